package page

import "fmt"

// Own is the way about people's own pages; the template "own" draws it.
type Own struct {
	Label  string
	Places []Place
}

// Place is one of them.
type Place struct {
	Name, URL, Title string
	Current          bool
}

// owned are the own pages, by the last part of their address.
var owned = []string{"security", "profile", "apps", company}

// company is the page of main contacts, which others do not have.
const company = "company"

// Own is for the page of that name.
func (f Frame) Own(current string) Own {
	out := Own{Label: f.T("own.label")}
	for _, name := range owned {
		if name == company && !f.leads && current != company {
			continue
		}
		out.Places = append(out.Places, Place{Name: name, URL: "/my/" + name, Title: f.T(fmt.Sprintf("own.%s", name)), Current: name == current})
	}
	return out
}

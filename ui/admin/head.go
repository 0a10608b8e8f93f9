package admin

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/ui/page"
)

// Head is what every page of the administration shows around its own. A view
// embeds it; the pieces "admin_top" and "admin_bottom" draw it.
type Head struct {
	Menu  []Group
	Me    page.Person
	Done  string // what was done, in words
	Again bool   // the form must be sent once more, after more proof
	Kept  string // that it is filled in again, in words
	Error *Complaint
	Trail []Crumb // the way back, outermost first
}

// Group is some entries of the navigation.
type Group struct {
	Title   string
	Entries []Entry
}

// Entry is one of them.
type Entry struct {
	Title, URL string
	Current    bool
}

// Crumb is a page further out.
type Crumb struct{ Title, URL string }

// Complaint is why a form was refused: a sentence, and more about it. Detail is
// what a machine said, in English.
type Complaint struct{ Title, Text, Detail string }

// Head is for a page of the visit's section. What was done is named by the
// parameter done of the address: the words are admin.SECTION.done.NAME.
func (v Visit) Head(c *page.Context, trail ...Crumb) Head {
	h := Head{
		Me: page.PersonOf(v.User), Trail: trail, Kept: c.Kept(),
		Again: c.R.Method == "GET" && c.Query("again") != "",
	}
	if v.desk != nil {
		h.Menu = v.desk.menu(c, v)
	}
	if done := c.Query("done"); done != "" && strings.Trim(done, "abcdefghijklmnopqrstuvwxyz_") == "" {
		if key := fmt.Sprintf("admin.%s.done.%s", v.section, done); c.Words.Has(key) {
			h.Done = c.Words.T(key)
		}
	}
	return h
}

// Refused is the head of a form that is drawn again.
func (h Head) Refused(title, text string) Head {
	h.Error = &Complaint{Title: title, Text: text}
	return h
}

// Detailed adds what a machine said to what a form was refused for.
func (h Head) Detailed(detail string) Head {
	if h.Error != nil {
		with := *h.Error
		with.Detail = detail
		h.Error = &with
	}
	return h
}

// menu is the navigation for somebody: what they may see.
func (d *Desk) menu(c *page.Context, v Visit) []Group {
	var out []Group
	for _, s := range d.Sections {
		if s.Name == "" || !v.May(s.Right) {
			continue
		}
		title := c.Words.T(fmt.Sprintf("admin.nav_group.%s", s.Group))
		i := slices.IndexFunc(out, func(g Group) bool { return g.Title == title })
		if i < 0 {
			i = len(out)
			out = append(out, Group{Title: title})
		}
		out[i].Entries = append(out[i].Entries, Entry{
			Title: c.Words.T(fmt.Sprintf("admin.nav.%s", s.Name)), URL: s.Path, Current: s.Name == v.section,
		})
	}
	return out
}

// segment is a value as one part of a path.
func segment(s string) string { return url.PathEscape(s) }

// Sample is a visit for pages drawn with sample data: by an owner who sees
// every entry.
func Sample(c *page.Context, section string, all []Section) Visit {
	u := idp.User{ID: "sample", Name: "Ada King", Login: "ada@example.org", Role: idp.Owner}
	return Visit{By: idp.Actor{User: u.ID, Role: u.Role, Origin: c.Origin()}, User: u, desk: &Desk{Sections: all}, section: section}
}

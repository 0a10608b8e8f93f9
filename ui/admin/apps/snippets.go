package apps

import (
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// The examples are data: a file for each library, with a head of names and
// values, a line of dashes and a template of what is to be copied.
//
//go:embed snippets/*.txt
var snippetFiles embed.FS

// snippet is one example.
type snippet struct {
	name                        string
	title, file, docs, callback string
	types                       []string
	body                        *template.Template
}

// snippetView is an example with the values of one application.
type snippetView struct {
	Name, Title, File, Docs, Code string
	// Register is a redirect URI that the library uses and the application has
	// not registered; empty: nothing is missing.
	Register string
}

// filling is what templates may use. Nothing in it is secret but where a secret
// is shown this once.
type filling struct {
	Issuer, ID, Name, Brand, Secret, Validation, Auth, Alg, Scopes string
	Authorize, Token, UserInfo, JWKS, Logout, Discovery            string
	Redirect, Origin, Host                                         string
	Redirects                                                      []string
	HasSecret                                                      bool
}

var snippets = readSnippets()

// readSnippets panics on a broken file, which is part of the binary.
func readSnippets() []snippet {
	names, err := snippetFiles.ReadDir("snippets")
	if err != nil {
		panic(err)
	}
	var out []snippet
	for _, n := range names {
		raw, err := snippetFiles.ReadFile("snippets/" + n.Name())
		if err != nil {
			panic(err)
		}
		head, body, found := strings.Cut(string(raw), "\n---\n")
		if !found {
			panic("apps: " + n.Name() + " has no line of dashes")
		}
		s := snippet{name: strings.TrimSuffix(n.Name(), ".txt"), body: template.Must(template.New(n.Name()).Option("missingkey=error").Parse(body))}
		for line := range strings.Lines(head) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch name {
			case "title":
				s.title = value
			case "file":
				s.file = value
			case "docs":
				s.docs = value
			case "callback":
				s.callback = value
			case "types":
				s.types = strings.Fields(value)
			default:
				panic(fmt.Sprintf("apps: %s: %q is no name", n.Name(), name))
			}
		}
		out = append(out, s)
	}
	// What fits one kind of application only comes first, what fits all last.
	slices.SortStableFunc(out, func(a, b snippet) int { return len(a.types) - len(b.types) })
	return out
}

func snippetsFor(c oidc.Client) (out []snippet) {
	for _, s := range snippets {
		// A library that knows secrets only is of no use to one that signs.
		if slices.Contains(s.types, string(c.Type)) && (c.AuthMethod != oidc.AuthKey || s.name == "generic") {
			out = append(out, s)
		}
	}
	return out
}

// firstExample is what is shown beside a new secret.
var firstExample = map[oidc.Type]string{oidc.Odoo: "odoo", oidc.Service: "service", oidc.Web: "generic", oidc.SPA: "generic", oidc.Native: "generic"}

// snippetNamed finds one of the files.
func snippetNamed(name string) snippet {
	return snippets[slices.IndexFunc(snippets, func(s snippet) bool { return s.name == name })]
}

// draw fills an example in.
func (s snippet) draw(f filling) (snippetView, error) {
	v := snippetView{Name: s.name, Title: s.title, File: s.file, Docs: s.docs}
	if uri := f.Origin + s.callback; s.callback != "" && !strings.Contains(s.body.Root.String(), ".Redirect}}") && !slices.Contains(f.Redirects, uri) {
		v.Register = uri
	}
	var out strings.Builder
	err := s.body.Execute(&out, f)
	v.Code = strings.TrimRight(out.String(), "\n") + "\n"
	return v, err
}

// filled are the values of one application. secret and validation are shown
// where they were made just now.
func (h handout) filled(c oidc.Client, brand, secret, validation string) filling {
	f := filling{
		Issuer: h.issuer, ID: string(c.ID), Name: c.Title(), Brand: brand, Secret: "CLIENT_SECRET", Validation: h.issuer + "/odoo/" + string(c.ID) + "/…/userinfo",
		Auth: c.AuthMethod, Alg: c.IDTokenAlg, Scopes: strings.Join(c.Scopes, " "), HasSecret: c.HasSecret(), Redirects: c.RedirectURIs,
		Authorize: h.issuer + oidc.PathAuthorize, Token: h.issuer + oidc.PathToken, UserInfo: h.issuer + oidc.PathUserInfo, JWKS: h.issuer + oidc.PathJWKS,
		Logout: h.issuer + oidc.PathLogout, Discovery: h.issuer + oidc.PathDiscovery, Origin: "https://app.example.org", Host: "app.example.org", Redirect: "https://app.example.org/callback",
	}
	if secret != "" {
		f.Secret = secret
	}
	if validation != "" {
		f.Validation = validation
	}
	if len(c.RedirectURIs) > 0 {
		f.Redirect = c.RedirectURIs[0]
		if u, err := url.Parse(f.Redirect); err == nil && u.Host != "" {
			f.Origin, f.Host = u.Scheme+"://"+u.Host, u.Host
		}
	}
	return f
}

// snippetsView is the page of examples.
type snippetsView struct {
	admin.Head
	Title    string
	Snippets []snippetView
}

func (r reader) examples(c *page.Context, v admin.Visit) error {
	cl, err := r.clients.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	view := snippetsView{Head: v.Head(c, crumbs(c, cl)...), Title: c.Words.T("admin.clients.code_title", cl.Title())}
	for _, s := range snippetsFor(cl) {
		drawn, err := s.draw(r.told.filled(cl, c.Brand(), "", ""))
		if err != nil {
			return err
		}
		view.Snippets = append(view.Snippets, drawn)
	}
	return c.Show(set, http.StatusOK, "snippets.html", view)
}

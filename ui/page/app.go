package page

import "latchkey/idp/oidc"

// App is what a page shows of an application on the way to which somebody is, as
// the application says it of itself. The pieces "app_logo", "app_itself" and
// "app_links" draw the App of a view.
type App struct {
	Name   string
	Logo   string // path of a picture of ours; empty: none
	Policy string // https addresses, or empty
	Terms  string
	Itself bool // it registered itself, so nobody has looked at any of this
}

// AppOf takes what a page may show of a client.
func AppOf(c oidc.Client) App {
	return App{c.Title(), c.LogoPath(), c.PolicyURI, c.TermsURI, c.ByItself()}
}

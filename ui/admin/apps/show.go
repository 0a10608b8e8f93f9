package apps

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// reader shows what is known of an application.
type reader struct {
	clients *oidc.Registrar
	told    handout
}

// showView is the page of one application.
type showView struct {
	admin.Head
	Client   oidc.Client
	Title    string
	Type     string
	URL      string
	May      bool
	Rotates  bool // it has a secret or a validation address
	Facts    []fact
	Secrets  []secretRow
	People   string
	Warnings []string
	Trials   []trialRow
	Tested   bool
}

// fact is a name and values, one below the other.
type fact struct {
	Name   string
	Values []string
	Mono   bool
}

// secretRow is a secret of which nothing is known but its dates.
type secretRow struct {
	Name, Made, Until, Used, End string // End: address where it is ended; empty: it goes on
}

type trialRow struct {
	Check, Verdict, Chip, Text, About string
	Evidence                          odoowords.Line
}

func (r reader) show(c *page.Context, v admin.Visit) error {
	view, err := r.view(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "show.html", view)
}

func (r reader) view(c *page.Context, v admin.Visit) (showView, error) {
	cl, err := r.clients.Get(c.Context(), v.By, id(c))
	if err != nil {
		return showView{}, err
	}
	usage, err := r.clients.Usage(c.Context(), v.By, cl.ID)
	if err != nil {
		return showView{}, err
	}
	return r.viewOf(c, v, cl, usage), nil
}

func (r reader) viewOf(c *page.Context, v admin.Visit, cl oidc.Client, usage oidc.Usage) showView {
	view := showView{
		Head: v.Head(c, crumbs(c)...), Client: cl, Title: cl.Title(), Type: typeName(c, cl.Type), URL: address(cl.ID), May: v.May(idp.EditClients),
		Rotates: cl.HasSecret() || cl.Type == oidc.Odoo, Facts: r.facts(c, v, cl), Secrets: r.secrets(c, v, cl, usage),
	}
	if cl.Type != oidc.Service {
		view.People = c.Words.N("admin.clients.people", usage.People)
	}
	warnings, _ := cl.Check() // what is wrong is told by the test
	view.Warnings = warned(c, warnings)
	return view
}

func (r reader) facts(c *page.Context, v admin.Visit, cl oidc.Client) []fact {
	var out []fact
	add := func(name string, mono bool, values ...string) {
		if values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }); len(values) > 0 {
			out = append(out, fact{c.Words.T(fmt.Sprintf("admin.clients.field.%s", name)), values, mono})
		}
	}
	yes := func(name string, on bool) {
		if on {
			add(name, false, c.Words.T("admin.clients.yes"))
		}
	}
	add("id", true, string(cl.ID))
	add("issuer", true, r.told.issuer)
	add("auth_method", false, c.Words.T(fmt.Sprintf("admin.clients.auth.%s", cl.AuthMethod)))
	add("redirect_uris", true, cl.RedirectURIs...)
	add("post_logout_uris", true, cl.PostLogoutURIs...)
	add("backchannel_logout_uri", true, cl.BackchannelURI)
	add("frontchannel_logout_uri", true, cl.FrontchannelURI)
	add("grant_types", true, strings.Join(cl.GrantTypes, ", "))
	add("response_types", true, strings.Join(cl.ResponseTypes, ", "))
	add("scopes", true, strings.Join(cl.Scopes, " "))
	if cl.Type != oidc.Service {
		add("id_token_alg", true, cl.IDTokenAlg)
	}
	var kids []string
	for _, k := range cl.Keys {
		kids = append(kids, fmt.Sprintf("%s %s", k.KeyID, k.Algorithm))
	}
	add("jwks", true, kids...)
	add("groups", false, cl.Groups...)
	if cl.Type == oidc.Odoo {
		add("sessions", false, c.Words.T(fmt.Sprintf("admin.clients.sessions.%s", cl.Sessions)))
	} else {
		yes("trusted", cl.Trusted)
	}
	yes("choose", cl.Choose)
	yes("require_pushed", cl.RequirePushed)
	add("request_object_signing_alg", true, cl.RequestAlg)
	add("request_uris", true, cl.RequestURIs...)
	detailFacts(c, cl, add)
	add("created", false, moment(c, v, cl.Created))
	return out
}

func (r reader) secrets(c *page.Context, v admin.Visit, cl oidc.Client, usage oidc.Usage) []secretRow {
	var out []secretRow
	for _, s := range []struct {
		there  bool
		proof  oidc.Proof
		made   time.Time
		serial int
		former *oidc.Former
	}{
		{cl.HasSecret(), oidc.ProofSecret, cl.SecretMade, cl.SecretSerial, cl.FormerSecret},
		{cl.Type == oidc.Odoo, oidc.ProofValidation, cl.ValidationMade, cl.ValidationSerial, cl.FormerValidation},
	} {
		if !s.there {
			continue
		}
		if s.made.IsZero() {
			s.made = cl.Created
		}
		out = append(out, secretRow{Name: c.Words.T(fmt.Sprintf("admin.clients.proof.%s", string(s.proof))), Made: day(c, v, s.made), Used: day(c, v, usage.At(s.proof, s.serial))})
		if s.former.Good(r.clients.Now()) {
			row := secretRow{
				Name: c.Words.T(fmt.Sprintf("admin.clients.proof_former.%s", string(s.proof))), Until: moment(c, v, s.former.Until), Used: day(c, v, usage.At(s.proof, s.former.Serial)),
			}
			if v.May(idp.EditClients) {
				row.End = address(cl.ID, "end") + "?what=" + string(s.proof)
			}
			out = append(out, row)
		}
	}
	return out
}

// chips say how a verdict looks.
var chips = map[oidc.Verdict]string{oidc.Fine: "chip-good", oidc.Doubt: "chip-warn", oidc.Broken: "chip-bad"}

func (r reader) test(c *page.Context, v admin.Visit) error {
	trials, err := r.clients.Test(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	view, err := r.view(c, v)
	if err != nil {
		return err
	}
	view.Tested, view.Trials = true, trialsOf(c, trials)
	c.Here(view.URL)
	return c.Show(set, http.StatusOK, "show.html", view)
}

func trialsOf(c *page.Context, trials []oidc.Trial) (out []trialRow) {
	for _, t := range trials {
		row := trialRow{
			Check: c.Words.T(fmt.Sprintf("admin.clients.check.%s", t.Check)), Verdict: c.Words.T(fmt.Sprintf("admin.clients.verdict.%s", string(t.Verdict))), Chip: chips[t.Verdict],
			About: t.About, Evidence: evidenceOf(c, t),
		}
		if key := fmt.Sprintf("admin.clients.try.%s_%s", t.Check, t.Verdict); c.Words.Has(key) {
			row.Text = c.Words.T(key)
		}
		out = append(out, row)
	}
	return out
}

package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/idp/rulebook"
	"latchkey/idp/settings"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/page/pagetest"
)

// keeper is an owner at the desk who leaves every form open for too long.
type keeper struct {
	*world
	*pagetest.Visitor
	me idp.User
}

// prove gives what the sign-in asks for.
func (k *keeper) prove() {
	k.t.Helper()
	if k.At.Path == "/login" {
		if k.Doc.Find("form#reauthenticate").Length() > 0 {
			k.Submit("reauthenticate", "password", rightPassword)
		} else {
			k.Submit("login", "login", k.me.Email, "password", rightPassword)
		}
	}
	if k.At.Path == "/login/factor" {
		k.Submit("factor", "code", k.code(appSecret))
	}
}

// open is a page, with fresh proofs.
func (k *keeper) open(path string) *goquery.Document {
	k.t.Helper()
	k.Get(path)
	if strings.HasPrefix(k.At.Path, "/login") {
		k.later(time.Minute) // an app's code is good once
		k.prove()
	}
	return k.Doc
}

// free are the fields of a form in which somebody can say something.
const free = "input[name]:not([type=hidden]):not([type=file]):not([type=submit]),textarea[name],select[name]"

// fill types something into every field of a form; secrets are named apart.
func fill(f *goquery.Selection) (typed url.Values, secrets []string) {
	typed = url.Values{}
	f.Find("input[type=hidden][name]").Each(func(_ int, s *goquery.Selection) { typed.Set(s.AttrOr("name", ""), s.AttrOr("value", "")) })
	f.Find(free).Each(func(i int, s *goquery.Selection) {
		name := s.AttrOr("name", "")
		_, checked := s.Attr("checked")
		switch kind := s.AttrOr("type", goquery.NodeName(s)); kind {
		case "checkbox":
			if !checked {
				typed.Set(name, s.AttrOr("value", ""))
			}
		case "radio":
			typed.Set(name, s.AttrOr("value", ""))
		case "select":
			typed.Set(name, s.Find("option").Last().AttrOr("value", ""))
		case "password":
			typed.Set(name, "s3cret-of-mine")
			secrets = append(secrets, name)
		case "number":
			typed.Set(name, "7")
		case "date":
			typed.Set(name, "2031-12-24")
		case "color":
			typed.Set(name, "#123456")
		default:
			typed.Set(name, fmt.Sprintf("typed %d <b>\"é&", i))
		}
	})
	return typed, secrets
}

// shows reports what a form has of what was typed.
func shows(f *goquery.Selection, typed url.Values) (lost []string) {
	f.Find(free).Each(func(_ int, s *goquery.Selection) {
		name := s.AttrOr("name", "")
		want, is := typed[name]
		_, checked := s.Attr("checked")
		got, there := s.AttrOr("value", ""), true
		switch kind := s.AttrOr("type", goquery.NodeName(s)); kind {
		case "checkbox":
			if there = checked == is; there {
				return
			}
		case "radio":
			if there = checked == (is && want[0] == got); there {
				return
			}
		case "textarea":
			got = s.Text()
		case "select":
			got = s.Find("option[selected]").AttrOr("value", "")
		case "password":
			want = []string{""}
		}
		if !is && got == "" {
			return
		}
		if !there || !is || got != want[0] {
			lost = append(lost, fmt.Sprintf("%s is %q, not %q", name, got, want))
		}
	})
	return lost
}

var inPath = regexp.MustCompile(`:[a-z]+`)

// shapes are the paths that routes take; to make one takes longer than to ask it.
var shapes = map[string]*regexp.Regexp{}

func fits(route, path string) bool {
	if shapes[route] == nil {
		shapes[route] = regexp.MustCompile("^" + inPath.ReplaceAllString(regexp.QuoteMeta(route), "[^/]+") + "$")
	}
	return shapes[route].MatchString(path)
}

// routeOf is the route of a POST to a path.
func routeOf(routes []admin.Route, path string) string {
	var best string
	for _, r := range routes {
		if r.Method == http.MethodPost && fits(r.Path, path) && (best == "" || strings.Count(r.Path, ":") < strings.Count(best, ":")) {
			best = r.Path
		}
	}
	return best
}

// seed has something of everything that the desk shows.
func (k *keeper) seed(t *testing.T) idp.User {
	ctx := t.Context()
	ada := k.user("ada@example.org", func(in *account.New) { in.Groups = []string{"staff"} })
	_, err := k.rules.book().Apply(ctx, host, []policy.Policy{{Name: "staff", Enabled: true, Whom: policy.Whom{Groups: []string{"staff"}}, What: policy.What{Assurance: policy.MFA}}}, rulebook.Means{})
	k.must(err)
	k.client(oidc.Input{ID: "web", Name: "Web", Type: oidc.Web, RedirectURIs: []string{"https://web.example.org/cb"}})
	_, err = k.people.companies().Add(ctx, host, "Atelier")
	k.must(err)
	_, err = k.choices.settings.PutGateway(ctx, host, settings.Gateway{Name: "Twilio", Type: "twilio", Values: map[string]string{
		"account": "AC" + strings.Repeat("a", 32), "token": "the-very-secret-token-of-twilio", "from": "+15005550006",
	}})
	k.must(err)
	k.connected(t)
	return ada
}

// find goes through the pages of the desk and returns one address of each form
// with something to fill in, by the routes to which it posts.
func (k *keeper) find(routes []admin.Route, ada idp.User) map[string]string {
	person := "/admin/users/" + string(ada.ID)
	out, seen, queue := map[string]string{}, map[string]bool{}, []string{person, person + "/role", "/admin"}
	for len(queue) > 0 && len(seen) < 400 {
		at := queue[0]
		queue = queue[1:]
		doc := k.open(at)
		doc.Find("form").Each(func(_ int, f *goquery.Selection) {
			if !strings.EqualFold(f.AttrOr("method", ""), "post") || f.Find(free).Length() == 0 {
				return
			}
			actions := []string{f.AttrOr("action", "")}
			f.Find("button[formaction]").Each(func(_ int, b *goquery.Selection) { actions = append(actions, b.AttrOr("formaction", "")) })
			for _, action := range actions {
				if r := routeOf(routes, action); r != "" && out[r] == "" {
					out[r] = at
				}
			}
		})
		doc.Find("main a[href^='/admin'],nav a[href^='/admin'],#admin-nav a[href]").Each(func(_ int, a *goquery.Selection) {
			to, err := url.Parse(a.AttrOr("href", ""))
			k.must(err)
			// One page of each kind is enough: what differs is the object.
			kind := shapeOf(routes, to.Path)
			if kind == "" || seen[kind+"?"+strings.Join(slices.Sorted(maps.Keys(to.Query())), "&")] {
				return
			}
			seen[kind+"?"+strings.Join(slices.Sorted(maps.Keys(to.Query())), "&")] = true
			queue = append(queue, to.RequestURI())
		})
	}
	return out
}

// shapeOf is the route of a page.
func shapeOf(routes []admin.Route, path string) string {
	var best string
	for _, r := range routes {
		if r.Method == http.MethodGet && fits(r.Path, path) && !strings.Contains(path, ".csv") && (best == "" || strings.Count(r.Path, ":") < strings.Count(best, ":")) {
			best = r.Path
		}
	}
	return best
}

// mustKeep are forms that the desk is known to have: the way through it finds them.
var mustKeep = []string{
	"/admin/branding/:client", "/admin/branding/:client/preview", "/admin/clients/:client/edit", "/admin/clients/new/:type", "/admin/companies", "/admin/companies/:company/rename",
	"/admin/groups", "/admin/groups/:group/join", "/admin/groups/:group/rename", "/admin/messages/texts/:message/:language", "/admin/messages/texts/:message/:language/preview",
	"/admin/odoo/:connection/settings", "/admin/odoo/:connection/import", "/admin/odoo/connect", "/admin/policies/:policy/edit", "/admin/policies/:policy/exempt", "/admin/policies/new",
	"/admin/settings", "/admin/settings/gateways", "/admin/settings/gateways/:gateway", "/admin/tokens", "/admin/users/:user/edit", "/admin/users/:user/groups", "/admin/users/:user/role",
	"/admin/users/:user/temporary", "/admin/users/new",
}

// PRODUCT §15: no form of the administration loses what was typed when the proof
// ran out, or the session ended, while it was open. Nothing is sent by itself
// and no secret is kept or echoed (D-06).
func TestNoFormLosesWhatWasTyped(t *testing.T) {
	w := newWorld(t, "sqlite")
	k := &keeper{w, pagetest.Visit(t, w.url), w.user("olga@example.org", withApp, func(in *account.New) { in.Role = idp.Owner })}
	ada := k.seed(t)
	routes := routesOf(w)
	forms := k.find(routes, ada)
	for _, m := range mustKeep {
		if forms[m] == "" {
			t.Errorf("no form for %s was found", m)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(forms)) {
		away := 3 * time.Hour // the session is over
		if slices.ContainsFunc(routes, func(r admin.Route) bool { return r.Method == http.MethodPost && r.Path == route && r.Fresh }) {
			away = 6 * time.Minute // the proof is
		}
		t.Run(route, func(t *testing.T) { k.keeps(t, routes, route, forms[route], away) })
		if route == "/admin/branding/:client" || route == "/admin/settings/gateways" {
			t.Run(route+" after the session", func(t *testing.T) { k.keeps(t, routes, route, forms[route], 3*time.Hour) })
		}
	}
}

// keeps fills a form in, comes back too late, and looks for what was typed.
func (k *keeper) keeps(t *testing.T, routes []admin.Route, route, at string, away time.Duration) {
	k.T = t
	k.later(6 * time.Minute)
	doc := k.open(at)
	var action string
	pick := func(_ int, f *goquery.Selection) bool {
		actions := []string{f.AttrOr("action", "")}
		f.Find("button[formaction]").Each(func(_ int, b *goquery.Selection) { actions = append(actions, b.AttrOr("formaction", "")) })
		for _, a := range actions {
			if strings.EqualFold(f.AttrOr("method", ""), "post") && routeOf(routes, a) == route {
				action = a
				return true
			}
		}
		return false
	}
	f := doc.Find("form").FilterFunction(pick).First()
	f.Each(func(i int, s *goquery.Selection) { pick(i, s) })
	if f.Length() == 0 {
		t.Fatalf("%s at %s has no form", k.At, at)
	}
	typed, secrets := fill(f)
	k.later(away)
	if away > time.Hour {
		k.must(k.db.Sweep(t.Context(), k.clock()))
	}
	before := k.changes()
	k.Take(k.Client.PostForm(k.Base+action, typed))
	if !strings.HasPrefix(k.At.Path, "/login") {
		t.Fatalf("no proof is asked for: %s %d", k.At, k.Status)
	}
	k.prove()
	if k.Status != http.StatusOK || !strings.HasPrefix(k.At.Path, "/admin") || k.Doc.Find("#kept").Length() != 1 {
		t.Fatalf("back at %s with %d, kept: %d", k.At, k.Status, k.Doc.Find("#kept").Length())
	}
	lost := []string{"there is no form"}
	k.Doc.Find("form").FilterFunction(pick).EachWithBreak(func(_ int, f *goquery.Selection) bool {
		lost = shows(f, typed)
		return len(lost) > 0
	})
	if len(lost) > 0 {
		t.Errorf("lost at %s: %s", k.At, strings.Join(lost, "; "))
	}
	if len(secrets) > 0 && strings.Contains(string(k.Body), "s3cret-of-mine") {
		t.Errorf("%v echoed", secrets)
	}
	if after := k.changes(); after != before {
		t.Errorf("something was done: %d events, then %d", before, after)
	}
	if k.Get(k.At.RequestURI()).Doc.Find("#kept").Length() > 0 {
		t.Error("it is filled in a second time")
	}
}

// changes counts what the log has but for signing in.
func (k *keeper) changes() (n int) {
	k.must(k.db.Log.Events(k.t.Context(), idp.EventQuery{}, func(e idp.Event) error {
		if !strings.HasPrefix(e.What, "signin") && !strings.HasPrefix(e.What, "session") {
			n++
		}
		return nil
	}))
	return n
}

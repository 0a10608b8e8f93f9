package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"latchkey/idp"
)

// visit is one request at the authorization endpoint.
type visit struct {
	p *Provider
	w http.ResponseWriter
	r *http.Request
	q *request

	browser string // see Browser.Binding
	session idp.Session
	user    idp.User
}

// Authorize answers an application's request for a signed-in person
// (RFC 6749 §4.1.1, OpenID Connect Core 1.0 §3.1.2), sending the browser
// through the sign-in pages and the consent page first if need be.
func (p *Provider) Authorize(w http.ResponseWriter, r *http.Request) {
	q, err := reader{p: p, ctx: r.Context()}.read(w, r)
	v := &visit{p: p, w: w, r: r, q: q}
	if err == nil {
		err = v.arrive()
	}
	if err == nil {
		err = v.run()
	}
	if err != nil {
		v.refuse(err)
	}
}

// arrive notes when the request first came to this browser.
func (v *visit) arrive() error {
	v.browser = v.p.Browser.Binding(v.w, v.r)
	v.q.arrived, v.q.returned = v.p.marks.arrival(toAuthorize, v.q.query, v.q.stamp, v.browser, v.p.Now())
	return v.q.timely()
}

// run goes on as far as it can: to the sign-in pages, to the consent page, or
// to the answer.
func (v *visit) run() error {
	if done, err := v.identify(); done || err != nil {
		return err
	}
	if v.q.client.Trusted {
		return v.grant()
	}
	given, err := v.p.Consents.Of(v.r.Context(), v.user.ID, v.q.client.ID)
	switch {
	case err != nil:
		return err
	case v.q.within(given) && !v.q.prompt.consent:
		return v.grant()
	case v.q.prompt.none:
		return refuse(consentRequired, "The person has not allowed this yet.")
	}
	v.ask()
	return nil
}

// identify finds out who is in front, or sends the browser to the sign-in
// pages and reports that it is done.
func (v *visit) identify() (done bool, err error) {
	q, need := v.q, v.q.need()
	v.session, v.user, err = v.p.Browser.Check(v.r, need)
	switch {
	case errors.Is(err, idp.ErrNotFound), errors.Is(err, idp.ErrMore):
		return v.signIn(need, err)
	case errors.Is(err, idp.ErrDenied):
		return false, v.deny("policy")
	case err != nil:
		return false, err
	}
	if q.prompt.essential && rank(idp.ACR(v.session.Proofs)) < rank(q.prompt.acr) {
		return false, v.deny("acr")
	}
	if !Admits(q.client, v.user) {
		return false, v.deny("group")
	}
	// Whoever has been to the sign-in pages has chosen there.
	if (q.prompt.choose || q.prompt.create || q.client.Choose && !q.prompt.none) && !q.returned {
		v.toSignIn(need, true)
		return true, nil
	}
	return false, nil
}

// Admits reports whether a client is open to a person.
func Admits(c Client, u idp.User) bool {
	return len(c.Groups) == 0 || slices.ContainsFunc(c.Groups, func(g string) bool { return slices.Contains(u.Groups, g) })
}

// deny refuses a person and notes why.
func (v *visit) deny(why string) error {
	e := v.p.event(v.r, "authorize", v.q.client.ID, v.user.ID, v.session.ID)
	e.Result, e.Detail = "denied", map[string]string{"why": why}
	if err := v.p.Log.Append(v.r.Context(), e); err != nil {
		return err
	}
	return refuse(accessDenied, "This person may not use this application.")
}

// signIn asks for a sign-in unless the request forbids it.
func (v *visit) signIn(need idp.Need, why error) (done bool, err error) {
	if v.q.prompt.none {
		known := errors.Is(why, idp.ErrMore)
		fresh := !need.Since.After(v.session.AuthTime())
		same := need.Subject == "" || need.Subject == v.user.ID
		if known && fresh && same {
			return false, refuse(interaction, "The person must prove more.")
		}
		return false, refuse(loginRequired, "The person must sign in.")
	}
	if errors.Is(why, idp.ErrNotFound) && v.r.Method == http.MethodPost {
		// A form on another site comes without our cookies (SameSite=Lax); the
		// same request by GET has them.
		see(v.w, v.p.base+PathAuthorize+"?"+v.q.query)
		return true, nil
	}
	v.toSignIn(need, v.q.prompt.choose && !v.q.returned)
	return true, nil
}

func (v *visit) toSignIn(need idp.Need, choose bool) {
	q := v.q
	v.w.Header().Set("Cache-Control", "no-store")
	v.p.Browser.SignIn(v.w, v.r, Ask{
		Need: need, Client: q.client, Redirect: q.redirect, Choose: choose, Create: q.prompt.create && !q.returned,
		Hint: q.get("login_hint"), Locales: q.get("ui_locales"),
		ReturnTo: v.p.base + PathAuthorize + "?" + v.p.marks.withArrival(toAuthorize, q.query, v.browser, q.arrived),
	})
}

// grant answers with what was asked for.
func (v *visit) grant() error {
	if err := v.prepare(); err != nil {
		return err
	}
	if v.q.bare() {
		return v.grantBare()
	}
	ctx, u := newUnit(v.r.Context(), v.p)
	u.user, u.pushed = v.user, v.q.pushed
	if !v.q.is("code") { // a code alone is no login yet
		u.login = v.login()
	}
	ar, err := v.fositeRequest()
	if err != nil {
		return err
	}
	answer, err := v.p.engine.NewAuthorizeResponse(ctx, ar, v.remember())
	if u.fault != nil {
		return u.fault
	} else if err != nil {
		return err
	}
	e := v.p.event(v.r, "authorize", v.q.client.ID, v.user.ID, v.session.ID)
	e.Detail = map[string]string{"response_type": strings.Join(v.q.types, " "), "scope": strings.Join(v.q.scopes, " ")}
	if err := u.send(ctx, e); err != nil {
		return v.q.late(err)
	}
	v.answer(answer.GetParameters())
	return nil
}

// fositeRequest hands over what has been judged. fosite's own parser would
// insist on a state of eight characters whatever its configuration says
// (v0.49.0), and its checks of prompt, max_age and id_token_hint use one clock
// and one key: they get nothing to check.
func (v *visit) fositeRequest() (*fosite.AuthorizeRequest, error) {
	q := v.q
	to, err := url.Parse(q.redirect)
	if err != nil { // registration would not have let it pass
		return nil, page(http.StatusBadRequest, "redirect_uri")
	}
	ar := fosite.NewAuthorizeRequest()
	ar.Client, ar.RedirectURI, ar.State = relying{q.client}, to, q.get("state")
	ar.ResponseTypes, ar.ResponseMode = q.types, fosite.ResponseModeType(q.mode)
	ar.RequestedScope, ar.GrantedScope = q.scopes, slices.Clone(q.scopes)
	ar.Form = url.Values{}
	for _, name := range []string{"redirect_uri", "nonce", "code_challenge", "code_challenge_method"} {
		if s := q.get(name); s != "" {
			ar.Form.Set(name, s)
		}
	}
	return ar, nil
}

// grantBare answers stock Odoo's request.
func (v *visit) grantBare() error {
	if v.p.Implicit == nil {
		return refuse(unsupportedType, "This response_type is not supported.")
	}
	var params url.Values
	err := v.p.Atomic(v.r.Context(), func(ctx context.Context) (err error) {
		params, err = v.p.Implicit(ctx, v.authorized())
		return errors.Join(err, v.p.spendPushed(ctx, v.q.pushed), v.login().note(ctx, v.p.Logins))
	})
	if err != nil {
		return v.q.late(err)
	}
	v.answer(params)
	return nil
}

// prepare lets an Odoo know who comes, by whichever flow it asks.
func (v *visit) prepare() error {
	if v.p.Prepare == nil || v.q.client.Type != Odoo {
		return nil
	}
	return v.p.Prepare(v.r.Context(), v.authorized())
}

func (v *visit) authorized() Authorized {
	return Authorized{Client: v.q.client, User: v.user, Session: v.session, Scopes: v.q.scopes, State: v.q.get("state"), Origin: v.p.Origin(v.r)}
}

// login is what is remembered of a client that wants to know when the session
// ends; nil for others.
func (v *visit) login() *Login {
	if !v.q.client.hears() {
		return nil
	}
	return &Login{Session: v.session.ID, SID: v.session.ID, Client: v.q.client.ID, User: v.user.ID}
}

// answer sends parameters to the client, with the issuer, so that a mix-up is
// noticed (RFC 9207; P-15).
func (v *visit) answer(params url.Values) {
	params.Set("iss", v.p.Issuer)
	if params.Get("token_type") != "" {
		params.Set("token_type", "Bearer")
	}
	params.Del("state") // fosite sends one even if there is none
	if s := v.q.get("state"); s != "" {
		params.Set("state", s)
	}
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.Header().Set("Pragma", "no-cache")
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	switch v.q.mode {
	case "form_post":
		v.p.Pages.FormPost(v.w, v.r, v.q.redirect, params)
	case "fragment":
		see(v.w, v.q.redirect+"#"+encode(params))
	default:
		sep := "?"
		if strings.Contains(v.q.redirect, "?") {
			sep = "&"
		}
		see(v.w, v.q.redirect+sep+encode(params))
	}
}

// encode writes a space as %20: in a fragment, not every client reads a plus
// as one.
func encode(params url.Values) string { return strings.ReplaceAll(params.Encode(), "+", "%20") }

// refuse answers an error: to the client if that is safe, otherwise with a
// page. Stock Odoo cannot show errors, so its people see ours.
func (v *visit) refuse(err error) {
	var shown *pageError
	if lost := v.p.noteLost(v.r, err); lost != nil {
		err = lost
	}
	e := refusalOf(err)
	if v.q == nil || errors.As(err, &shown) || e.Code == serverError || e.Code == unavailable {
		v.p.refusals.page(v.w, v.r, err)
		return
	}
	if v.q.bare() {
		problem := Problem{Status: http.StatusBadRequest, Key: "malformed", Detail: map[string]string{e.Code: e.Text}}
		if e.Code == accessDenied {
			problem.Status, problem.Key = http.StatusForbidden, "denied"
		}
		v.p.refusals.page(v.w, v.r, &pageError{Problem: problem, cause: err})
		return
	}
	if err := v.p.spendPushed(v.r.Context(), v.q.pushed); err != nil {
		v.p.refusals.page(v.w, v.r, v.q.late(err))
		return
	}
	v.answer(url.Values{"error": {e.Code}, "error_description": {plain(e.Text)}})
}

// within reports whether the person has allowed all this; see [Consents].Of. That
// somebody is signed in, and who, is something: an application that asks for no
// scope at all learns that much, so it needs to have been allowed once (P-32).
func (q *request) within(given []string) bool {
	return given != nil && !slices.ContainsFunc(q.wanted(), func(s string) bool { return !slices.Contains(given, s) })
}

// wanted lists the scopes that consent is about. Claims that the request names
// count as the scopes to which they belong.
func (q *request) wanted() []string {
	out := slices.Clone(q.scopes)
	for _, name := range slices.Concat(q.wishes.userInfo, q.wishes.idToken) {
		if s := scopeOf[name]; !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

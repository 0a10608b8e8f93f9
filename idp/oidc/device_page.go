package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// DevicePages draws what a person sees who lets a device in.
type DevicePages interface {
	// Device asks for the code (form#device posts user_code to action).
	Device(w http.ResponseWriter, r *http.Request, v DeviceView)
	// DeviceConfirm asks whether that device may (form#device-confirm posts
	// decision=allow|deny to action with the hidden fields).
	DeviceConfirm(w http.ResponseWriter, r *http.Request, v DeviceConfirmView)
	// DeviceDone says that it is decided.
	DeviceDone(w http.ResponseWriter, r *http.Request, v DeviceDoneView)
}

// DeviceView is what the page for the code shows.
type DeviceView struct {
	Action string
	Code   string // filled in; empty: nothing that can be one
	Wrong  bool   // it is unknown, expired or decided, and nobody is told which
}

// DeviceConfirmView is what the page shows on which a device is let in.
type DeviceConfirmView struct {
	Client Client
	User   idp.User
	Scopes []string
	Code   string // to compare
	From   idp.Origin
	Place  string // of the address; empty: nobody knows
	At     time.Time
	Action string
	Hidden map[string]string
}

// DeviceDoneView is what the page after a decision shows.
type DeviceDoneView struct {
	Client  Client
	User    idp.User
	Allowed bool
}

// fieldUserCode is the field for the code, and its name in the address.
const fieldUserCode = "user_code"

// handover is a visit of a person who brings the code of a device.
type handover struct {
	visit
	code   string // as it is stored
	grant  Grant  // of the user_code
	record record
}

func (d deviceDoor) visit(w http.ResponseWriter, r *http.Request) *handover {
	return &handover{visit: visit{p: d.p, w: w, r: r, browser: d.p.Browser.Binding(w, r)}}
}

// page is the page where a person types what a device shows (RFC 8628 §3.3).
// A GET never decides anything, and shows what it would decide only to the
// browser in which the code was typed: whoever follows a link with a code in
// it must still send the form (§5.4).
func (d deviceDoor) page(w http.ResponseWriter, r *http.Request) {
	v := d.visit(w, r)
	step := v.arrive
	if r.Method == http.MethodPost {
		step = v.enter
	}
	if err := step(); err != nil {
		d.p.refusals.page(w, r, err)
	}
}

// confirm takes the decision.
func (d deviceDoor) confirm(w http.ResponseWriter, r *http.Request) {
	v := d.visit(w, r)
	if err := v.decide(); err != nil {
		d.p.refusals.page(w, r, err)
	}
}

// address is where the code leads in this browser, for as long as it takes to
// sign in.
func (v *handover) address() string {
	return v.p.base + PathDevice + "?" + v.p.marks.withArrival(toDevice, v.query(), v.browser, v.p.Now())
}

// query is all that may stand in that address.
func (v *handover) query() string { return url.Values{fieldUserCode: {shownCode(v.code)}}.Encode() }

func (v *handover) draw(wrong bool) {
	view := DeviceView{Action: v.p.base + PathDevice, Wrong: wrong}
	if v.code != "" {
		view.Code = shownCode(v.code)
	}
	v.w.Header().Set("Cache-Control", "no-store")
	v.p.Pages.Device(v.w, v.r, view)
}

// arrive draws the form, or what comes after it.
func (v *handover) arrive() error {
	query, stamp := cutArrival(v.r.URL.RawQuery)
	form, err := parseQuery(query)
	if err != nil {
		return err
	}
	v.code = readUserCode(form.Get(fieldUserCode))
	_, typed := v.p.marks.arrival(toDevice, query, stamp, v.browser, v.p.Now())
	if v.code == "" || !typed || query != v.query() {
		v.draw(false)
		return nil
	}
	if found, err := v.try(); err != nil || !found {
		return err
	}
	if away, err := v.admit(); away || err != nil {
		return err
	}
	v.confirm()
	return nil
}

// enter takes the code that somebody typed.
func (v *handover) enter() error {
	if err := v.readForm(); err != nil {
		return err
	}
	if v.code = readUserCode(v.r.PostForm.Get(fieldUserCode)); v.code == "" {
		v.draw(true) // it tells nothing of any code
		return nil
	}
	if found, err := v.try(); err != nil || !found {
		return err
	}
	see(v.w, v.address())
	return nil
}

// try looks the code up, and draws the form again where it is not good. Every try
// is counted before, so that parallel ones all count (B-04) and a right one is no
// better than a wrong one once there were too many (B-07). There is no way to look
// one up that is not counted, but by what a page that it led to was marked with.
func (v *handover) try() (found bool, err error) {
	p, ctx := v.p, v.r.Context()
	budgets, err := v.budgets()
	if err != nil {
		return false, err
	}
	err = p.Devices.Limiter.Take(ctx, budgets...)
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		retryAfter(v.w, locked, p.Now())
		return false, page(http.StatusTooManyRequests, "locked")
	} else if err != nil {
		return false, err
	}
	if err := v.find(); errors.Is(err, idp.ErrNotFound) {
		v.draw(true)
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, p.Devices.Limiter.Forgive(ctx, budgets...)
}

// readForm reads a form that we have drawn for this browser.
func (v *handover) readForm() error {
	if err := parseForm(v.w, v.r, maxForm); err != nil {
		return page(statusOfForm(err), formKey(err))
	}
	if err := v.p.Pages.CSRF(v.r); err != nil {
		return &pageError{Problem: Problem{Status: http.StatusForbidden, Key: "forged"}, cause: err}
	}
	return nil
}

// budgets are what a wrong code costs. All are shared: a right code gives back
// its own try alone, or whoever lets a device of their own in between would
// have as many as they like.
func (v *handover) budgets() ([]mfa.Budget, error) {
	count := func(key string, most int) mfa.Budget {
		return mfa.Budget{Key: "device:" + key, Max: most, Per: wrongCodesPer, Shared: true}
	}
	out := []mfa.Budget{
		count("ip:"+v.p.Devices.Network(v.p.Origin(v.r).Address), wrongCodesHere),
		count("browser:"+v.p.marks.mark("device browser", v.browser), wrongCodes),
		count("all", wrongCodesAll), // of many networks each has few tries
	}
	u, err := v.sitting()
	if err != nil {
		return nil, err
	}
	if u != "" {
		out = append(out, count("user:"+string(u), wrongCodes))
	}
	return out, nil
}

// sitting names whoever is signed in, whether or not that is enough for
// anything; empty: nobody.
func (v *handover) sitting() (idp.UserID, error) {
	var err error
	v.session, v.user, err = v.p.Browser.Check(v.r, idp.Need{})
	if err != nil && !errors.Is(err, idp.ErrNotFound) && !errors.Is(err, idp.ErrMore) && !errors.Is(err, idp.ErrDenied) {
		return "", err
	}
	return v.user.ID, nil
}

// find looks the code up. Whatever is wrong with it, the error is
// idp.ErrNotFound.
func (v *handover) find() error {
	p, ctx := v.p, v.r.Context()
	var err error
	if v.grant, _, err = p.Grants.Get(ctx, KindUserCode, p.marks.userCode(v.code)); err != nil {
		return err
	}
	if v.record, err = decodeRecord(v.grant.Payload); err != nil {
		return err
	}
	if v.grant.Spent || !lives(v.grant, v.record, p.Now()) {
		return idp.ErrNotFound
	}
	c, err := p.registry.client(ctx, v.grant.Client)
	if err == nil && !slices.Contains(c.GrantTypes, GrantDevice) {
		err = idp.ErrNotFound
	}
	if err != nil {
		return err
	}
	// The request arrived when the device began; what it cannot say, the client may
	// have registered.
	v.q = &request{client: c, scopes: v.record.Scopes, arrived: time.Unix(v.record.Issued, 0)}
	v.q.prompt.wish(c.ACRs)
	return v.q.readAge()
}

// admit asks the one gate, with what the application needs, or sends the
// browser to the sign-in pages and reports that it is away.
func (v *handover) admit() (away bool, err error) {
	need := v.q.need()
	v.session, v.user, err = v.p.Browser.Check(v.r, need)
	switch {
	case errors.Is(err, idp.ErrNotFound), errors.Is(err, idp.ErrMore):
		v.w.Header().Set("Cache-Control", "no-store")
		v.p.Browser.SignIn(v.w, v.r, Ask{Need: need, Client: v.q.client, ReturnTo: v.address()})
		return true, nil
	case errors.Is(err, idp.ErrDenied):
		return false, v.refusePerson("policy")
	case err == nil && !Admits(v.q.client, v.user):
		return false, v.refusePerson("group")
	}
	return false, err
}

// refusePerson notes why somebody may not. The code goes on: somebody else may.
func (v *handover) refusePerson(why string) error {
	e := v.event("device.allow")
	e.Result, e.Detail["why"] = "denied", why
	if err := v.p.Log.Append(v.r.Context(), e); err != nil {
		return err
	}
	return page(http.StatusForbidden, "denied")
}

// event starts a line of the log, with the device that it is about.
func (v *handover) event(what string) idp.Event {
	e := v.p.event(v.r, what, v.q.client.ID, v.user.ID, v.session.ID)
	e.Detail = map[string]string{"device": v.record.Form[formAddress], "agent": v.record.Form[formAgent]}
	return e
}

// mark binds the decision to the browser, the session, the person and the
// code, so that it cannot be carried over to another device (P-32).
func (v *handover) mark() string {
	return v.p.marks.mark("device", v.consentMark(v.code)...)
}

func (v *handover) confirm() {
	view := DeviceConfirmView{
		Client: v.q.client, User: v.user, Scopes: v.q.scopes, Code: shownCode(v.code), At: time.Unix(v.record.Issued, 0),
		From: idp.Origin{Address: v.record.Form[formAddress], Agent: v.record.Form[formAgent]}, Action: v.p.base + PathDeviceConfirm,
		Hidden: map[string]string{fieldUserCode: shownCode(v.code), fieldMark: v.mark()},
	}
	if v.p.Devices.Place != nil {
		view.Place = v.p.Devices.Place(view.From.Address)
	}
	v.w.Header().Set("Cache-Control", "no-store")
	v.p.Pages.DeviceConfirm(v.w, v.r, view)
}

// decide acts on the answer. The mark is looked at before the code: without
// one, what this says would be a way to try codes that nobody counts.
func (v *handover) decide() error {
	if err := v.readForm(); err != nil {
		return err
	}
	if _, err := v.sitting(); err != nil {
		return err
	}
	v.code = readUserCode(v.r.PostForm.Get(fieldUserCode))
	if !v.p.marks.marked(v.r.PostForm.Get(fieldMark), "device", v.consentMark(v.code)...) {
		return page(http.StatusForbidden, "forged")
	}
	if err := v.find(); errors.Is(err, idp.ErrNotFound) {
		return page(http.StatusGone, "expired")
	} else if err != nil {
		return err
	}
	// The rules may have changed while the page was open.
	if away, err := v.admit(); away || err != nil {
		return err
	}
	allowed := v.r.PostForm.Get(fieldDecision) == "allow" // anything else is a no
	if err := v.settle(allowed); errors.Is(err, idp.ErrSpent) {
		return page(http.StatusGone, "expired")
	} else if err != nil {
		return err
	}
	v.w.Header().Set("Cache-Control", "no-store")
	v.p.Pages.DeviceDone(v.w, v.r, DeviceDoneView{Client: v.q.client, User: v.user, Allowed: allowed})
	return nil
}

// settle decides once: both rows are spent together, or it fails with
// idp.ErrSpent. Who allows leaves a code for the device, and consent as on the
// page for it, which a refresh asks about later (P-10).
func (v *handover) settle(allowed bool) error {
	p, ctx, c := v.p, v.r.Context(), v.q.client
	e := v.event("device.deny")
	e.Result = "denied"
	var into []Grant
	var given []string
	if allowed {
		e.What, e.Result, e.Detail["scope"] = "device.allow", "ok", strings.Join(v.q.scopes, " ")
		g, err := v.redeemable()
		if err != nil {
			return err
		}
		if into = append(into, g); !c.Trusted {
			if given, err = p.Consents.Of(ctx, v.user.ID, c.ID); err != nil {
				return err
			}
		}
	}
	return p.Atomic(ctx, func(ctx context.Context) error {
		if err := p.Grants.Spend(ctx, KindUserCode, v.grant.Signature, into...); err != nil {
			return err
		}
		if err := p.Grants.Spend(ctx, KindDevice, v.record.Form[formDevice]); err != nil {
			return err
		}
		if allowed && !c.Trusted {
			if err := p.Consents.Give(ctx, v.user.ID, c.ID, union(given, v.q.scopes), p.Now()); err != nil {
				return err
			}
		}
		return p.Log.Append(ctx, e)
	})
}

// redeemable is the code that the device redeems: of this person and session,
// with which it ends, and no longer than the device_code.
func (v *handover) redeemable() (Grant, error) {
	until := time.UnixMilli(v.record.Until)
	payload, err := record{Issued: v.p.Now().Unix(), Scopes: v.q.scopes, Until: v.record.Until, Session: *v.remember()}.encode()
	return Grant{
		Kind: KindCode, Signature: redeemedSignature(v.record.Form[formDevice]), Family: v.grant.Family, Client: v.q.client.ID,
		User: v.user.ID, Session: v.session.ID, Payload: payload, Expires: until.Add(v.p.Lifetimes.Access),
	}, err
}

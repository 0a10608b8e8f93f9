package signin

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/ui/page"
)

const (
	passkeyBegin  = "/login/passkey/begin"  //nolint:gosec // an address
	passkeyFinish = "/login/passkey/finish" //nolint:gosec // an address
)

// keys serves the two halves of a passkey's ceremony: alone as the first step,
// as the second step, or to set one up. The flow says which it is.
type keys struct {
	journey
	origins []string // see Pages.Related
}

func (p keys) mount(r gin.IRouter, s *page.Site) {
	r.POST(passkeyBegin, s.Calls(p.begin))
	r.POST(passkeyFinish, s.Calls(p.finish))
	if len(p.origins) > 0 {
		r.GET("/.well-known/webauthn", p.related)
	}
}

// related names the other origins at which our passkeys may be used (WebAuthn
// Level 3 §5.11). Browsers ask without cookies.
func (p keys) related(g *gin.Context) {
	g.JSON(http.StatusOK, map[string][]string{"origins": p.origins})
}

// asked is what the script sends. The answer of an authenticator may also come
// alone, with the rest in the address.
type asked struct {
	Flow       string          `json:"flow"`
	State      string          `json:"state"`
	Credential json.RawMessage `json:"credential"`
	Trust      bool            `json:"trust"`
	Label      string          `json:"label"`      // of a new passkey
	EndOthers  bool            `json:"end_others"` // when one is added
	RawID      string          `json:"rawId"`
}

func read(c *page.Context) (asked, error) {
	var body json.RawMessage
	if err := c.JSON(&body); err != nil {
		return asked{}, err
	}
	a := asked{Flow: c.Query("flow"), State: c.Query("state")}
	if len(body) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return asked{}, page.Malformed(err)
	}
	if a.Credential == nil && a.RawID != "" {
		a.Credential = body
	}
	return a, nil
}

// begun is what begin answers.
type begun struct {
	PublicKey json.RawMessage `json:"publicKey"`
	State     string          `json:"state,omitempty"`
	Flow      string          `json:"flow"`
}

// begin gives the options of the step's ceremony. Whoever comes without a flow
// gets a new one that ends on their own page.
func (p keys) begin(c *page.Context) (any, error) {
	a, err := read(c)
	if err != nil {
		return nil, err
	}
	if a.Flow == "" {
		if a.Flow, err = p.fresh(c); err != nil {
			return nil, err
		}
	}
	v, err := p.enter(c, a.Flow)
	if err != nil {
		return nil, err
	}
	out := begun{Flow: a.Flow}
	var options json.RawMessage
	if v.Step == signin.AskPassword {
		options, out.State, err = p.signIn.Keys().Discover(c.Context(), v)
	} else {
		options, err = p.signIn.Keys().Options(c.Context(), v)
	}
	if err != nil {
		return nil, p.refusal(c, v, a.Flow, err)
	}
	return out, json.Unmarshal(options, &out)
}

func (p keys) fresh(c *page.Context) (string, error) {
	n, u, err := sitting(c, p.signIn, idp.Need{})
	if err != nil {
		return "", err
	}
	// The new session follows the one that there is (S-01).
	f, err := p.signIn.Begin(c.Context(), signin.Start{Browser: c.Browser(), ReturnTo: Home, From: c.Origin(), Session: n, User: u, Choose: true})
	if err != nil {
		return "", err
	}
	return p.signIn.Ticket(f)
}

// enter is load for calls.
func (p keys) enter(c *page.Context, ticket string) (signin.View, error) {
	v, err := p.signIn.Load(c.Context(), ticket, c.Browser(), c.Origin())
	c.Speak(v.User.Locale, v.Flow.Locales)
	if err != nil {
		return v, page.Refuse(err, "", v.Flow.ReturnTo) // a flow that is over begins anew there
	}
	return v, nil
}

// finish judges the answer and says where the browser goes next.
func (p keys) finish(c *page.Context) (any, error) {
	a, err := read(c)
	if err != nil {
		return nil, err
	}
	v, err := p.enter(c, a.Flow)
	if err != nil {
		return nil, err
	}
	answer := mfa.Answer{Public: a.Credential}
	var m signin.Moved
	switch v.Step {
	case signin.AskPassword:
		m, err = p.signIn.Keys().Discovered(c.Context(), v, a.State, a.Credential, marks(c))
	case signin.AskFactor:
		m, err = p.signIn.Second().Answer(c.Context(), v, idp.Passkey, answer, marks(c), a.Trust)
		if errors.Is(err, mfa.ErrExpired) {
			// Its tries are used up or it took too long: the next go has a new
			// challenge. The account's own budget goes on counting.
			v.Flow.Asked = maps.Clone(v.Flow.Asked)
			delete(v.Flow.Asked, idp.Passkey)
			if _, again := p.signIn.Keys().Options(c.Context(), v); again != nil {
				return nil, again
			}
		}
	default:
		m, err = p.signIn.Wizard().Confirm(c.Context(), v, answer, marks(c))
	}
	if err != nil {
		return nil, p.refusal(c, v, a.Flow, err)
	}
	to, err := arrive(c, m)
	return map[string]string{"location": to}, err
}

// refusal finds the words for what went wrong. Alone there is one sentence for
// everything, as it must not tell who exists (SECURITY.md E-01).
func (p keys) refusal(c *page.Context, v signin.View, ticket string, err error) error {
	locked := (*mfa.LockedError)(nil)
	switch {
	case errors.Is(err, signin.ErrSlowDown):
		return page.Refuse(err, c.Words.T("error.slow_down.text")+" "+c.Words.T("error.slow_down.next"), "")
	case errors.Is(err, idp.ErrBadLogin):
		return page.Refuse(err, c.Words.T("passkey.unknown"), "")
	case errors.Is(err, mfa.ErrExpired) && v.Lapsed():
		return page.Refuse(err, "", at("/login/offer", ticket))
	case errors.Is(err, mfa.ErrExpired) && unsaved(v):
		return page.Refuse(err, "", at("/login/enrol/codes", ticket))
	case errors.As(err, &locked):
		return page.Refuse(err, lockOf(c, locked).Text, "")
	case errors.Is(err, mfa.ErrRefused):
		return err // has words of its own
	case errors.Is(err, mfa.ErrWrong):
		return page.Refuse(err, c.Words.T("factor.passkey.wrong"), "")
	case errors.Is(err, mfa.ErrExpired):
		return page.Refuse(err, c.Words.T("passkey.expired"), "")
	case errors.Is(err, idp.ErrExpired) || errors.Is(err, idp.ErrSpent):
		return page.Refuse(err, "", v.Flow.ReturnTo)
	}
	return err
}

// unsaved reports whether backup codes are still to be saved before a passkey
// can be added.
func unsaved(v signin.View) bool {
	e := v.Flow.Enrol
	return (v.Step == signin.MustEnrol || v.Step == signin.MayEnrol) && (e == nil || e.Kind != idp.Passkey || e.Codes != "" && !e.Kept)
}

package security

import (
	"encoding/json"
	"errors"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// keys is the ceremony in which a browser makes a passkey. A script talks to its
// addresses, in JSON.
type keys struct{ desk }

func (d keys) mount(r gin.IRouter) {
	r.POST(d.base+"/passkeys/begin", d.Site.Calls(d.called(security.AddFactor, d.begin)))
	r.POST(d.base+"/passkeys/finish", d.Site.Calls(d.called(security.ConfirmAdd, d.finish)))
}

// called is enter for a script: whoever must first prove more is sent to the
// page, which asks for it.
func (d keys) called(act security.Act, h func(*page.Context, visit) (any, error)) page.Call {
	return func(c *page.Context) (any, error) {
		n, u, err := d.SignIn.Gate(c.Context(), c.Session(), security.NeedFor(act, c.Now()), c.Origin())
		if errors.Is(err, idp.ErrNotFound) {
			err = idp.ErrMore
		}
		var out any
		if err == nil {
			c.Speak(u.Locale)
			by := idp.ActorOf(n, u, c.Origin())
			out, err = h(c, visit{by, d.whose(c, by), d.path(c)})
		}
		if errors.Is(err, idp.ErrMore) {
			return nil, page.Refuse(err, "", d.path(c)+"/passkeys")
		}
		return out, err
	}
}

// begun are the options of a ceremony, as the browser takes them, and the ticket
// that its answer brings back.
type begun struct {
	PublicKey json.RawMessage `json:"publicKey"`
	Flow      string          `json:"flow"`
}

func (d keys) begin(c *page.Context, v visit) (any, error) {
	a, err := d.Security.BeginAdd(c.Context(), v.by, v.whose, idp.Passkey, "")
	if err != nil {
		return nil, err
	}
	out := begun{Flow: a.Ticket}
	return out, json.Unmarshal(a.Ask.Public, &out)
}

func (d keys) finish(c *page.Context, v visit) (any, error) {
	in, err := pages.ReadAsked(c)
	if err != nil {
		return nil, err
	}
	done, err := d.Security.ConfirmAdd(c.Context(), v.by, v.whose, in.Flow, security.Proof{
		Answer: mfa.Answer{Public: in.Credential}, Label: in.Label, EndOthers: in.EndOthers,
	})
	switch {
	case errors.Is(err, mfa.ErrRefused):
		return nil, page.Refuse(err, c.Words.T("security.passkey_refused"), "")
	case errors.Is(err, mfa.ErrWrong):
		return nil, page.Refuse(err, c.Words.T("passkey.failed"), "")
	case errors.Is(err, mfa.ErrExpired):
		return nil, page.Refuse(err, c.Words.T("passkey.expired"), "")
	case err != nil:
		return nil, err
	}
	renew(c, done.Renewed)
	to := v.base + "/passkeys"
	if done.NoCodes {
		to = v.base + "/backup-codes"
	}
	return struct {
		Location string `json:"location"`
	}{to + "?done=" + string(done.Kind)}, nil
}

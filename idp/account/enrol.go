package account

import (
	"context"
	"fmt"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// enrollable are the factors that somebody can be asked to set up. Any other
// comes along with one of these, or is not set up at all.
var enrollable = []mfa.Kind{"totp", "sms", idp.Passkey}

// Invitation is a link that was made.
type Invitation struct {
	Token   string // for the address; the only time that it is to be had
	Expires time.Time
	SentTo  string // empty: no address is known to be the person's
}

// EnrolLink asks a person to set up a factor: it mails them a link that leads,
// after their password, to the wizard (SECURITY.md M-11). The secret is made
// there and is in no mail (M-08). Older links of this kind are void. life is at
// most, and by default (0), that of its purpose. idp.ErrInvalid.
func (h *Help) EnrolLink(ctx context.Context, by idp.Actor, id idp.UserID, kind mfa.Kind, life time.Duration) (Invitation, error) {
	u, err := h.acts().touch(ctx, by, id, idp.HelpPeople, "factor.invite")
	if err != nil {
		return Invitation{}, err
	}
	if life == 0 {
		life = idp.LinkEnrol.Life()
	}
	switch {
	case life < time.Minute || life > idp.LinkEnrol.Life():
		return Invitation{}, fmt.Errorf("%w: the link is good for 1m to %gh", idp.ErrInvalid, idp.LinkEnrol.Life().Hours())
	case !slices.Contains(enrollable, kind) || !slices.Contains(h.Service.Factors.Kinds(), kind):
		return Invitation{}, fmt.Errorf("%w: %q is nothing that somebody can be asked to set up here", idp.ErrInvalid, kind)
	case u.Disabled:
		return Invitation{}, fmt.Errorf("%w: %s is disabled", idp.ErrInvalid, u.Login)
	}
	l, token := idp.NewLink(idp.LinkEnrol, u, h.Service.Now(), life)
	l.Data = map[string]string{"method": string(kind)}
	err = h.Service.Atomic(ctx, func(ctx context.Context) error {
		if err := h.post().issue(ctx, u, l, idp.Letter{Token: token, Method: kind}); err != nil {
			return err
		}
		return h.acts().noteFactor(ctx, by, "factor.invite", u, kind, map[string]string{"expires": l.Expires.UTC().Format(time.RFC3339)})
	})
	if err != nil {
		return Invitation{}, err
	}
	out := Invitation{Token: token, Expires: l.Expires}
	if mailed(u) {
		out.SentTo = u.Email
	}
	return out, nil
}

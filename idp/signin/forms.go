package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// Bounds of what is kept. Whoever sends a form may have no session any more, so
// they get little room and few writes (SECURITY.md C-11, C-12).
const (
	mostTyped = 64 << 10 // bytes of Form.Typed
	mostKept  = 30       // forms of a person in keptIn
	keptIn    = 15 * time.Minute
)

// Forms keeps what somebody typed into a form while they prove once more who
// they are, so that nothing is lost on the way. It sends nothing by itself:
// whoever comes back sees what they typed and sends it again, or not.
type Forms struct{ In *Service }

// Form is what was typed. It is for one person, in one browser, on one page.
type Form struct {
	User    idp.UserID
	Browser string // a hash
	Page    string // path of the page on which the form stands
	Action  string // path to which it was posted
	Typed   string // the fields, of at most 64 KiB; sealed at rest
	Whole   bool   // nothing was left out of them
}

// Keep keeps a form for 15 minutes and returns the token for it. There is one
// of a person: the newer replaces the older, so nobody can fill the table.
// idp.ErrNotFound means that there is nobody to keep it for, idp.ErrInvalid that
// it is too long, and mfa.ErrLocked that they sent too many.
func (k Forms) Keep(ctx context.Context, f Form) (token string, err error) {
	if f.User == "" || k.In.Links == nil {
		return "", idp.ErrNotFound
	}
	if len(f.Typed) > mostTyped {
		return "", fmt.Errorf("%w: a form of more than %d bytes", idp.ErrInvalid, mostTyped)
	}
	u, err := k.In.Users.ByID(ctx, f.User)
	if err != nil {
		return "", err
	}
	if u.Disabled {
		return "", idp.ErrNotFound
	}
	if err := k.In.Limiter.Take(ctx, mfa.Budget{Key: "form:" + string(u.ID), Max: mostKept, Per: keptIn}); err != nil {
		return "", err
	}
	l, token := idp.NewLink(idp.LinkForm, u, k.In.Now(), idp.LinkForm.Life())
	l.Data = map[string]string{"browser": f.Browser, "page": f.Page, "action": f.Action, "typed": f.Typed}
	if f.Whole {
		l.Data["whole"] = "yes"
	}
	return token, k.In.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(k.In.Links.Void(ctx, idp.LinkForm, u.ID), k.In.Links.Put(ctx, l))
	})
}

// Take returns a form once, to the person, in the browser and on the page for
// which it was kept; to anybody else it is idp.ErrExpired and stays. Of many at
// once one gets it, and the others idp.ErrSpent.
func (k Forms) Take(ctx context.Context, token string, who idp.UserID, browser, page string) (Form, error) {
	if k.In.Links == nil {
		return Form{}, idp.ErrExpired
	}
	l, u, err := k.In.Links.Get(ctx, idp.LinkForm, idp.HashLink(token))
	if err != nil {
		return Form{}, err
	}
	f := Form{User: u.ID, Browser: l.Data["browser"], Page: l.Data["page"], Action: l.Data["action"], Typed: l.Data["typed"], Whole: l.Data["whole"] != ""}
	if f.User != who || f.Browser != browser || f.Page != page {
		return Form{}, idp.ErrExpired
	}
	return f, k.In.Links.Spend(ctx, l.Hash)
}

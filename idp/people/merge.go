package people

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
)

// Merging makes one person of two accounts of the same person. Its fields are
// set once, before first use.
//
// What says who somebody is (password, second factors, trusted browsers, names)
// is never moved: it was proven for the other account. The other `sub` is never
// used again; what the log says under it stays.
type Merging struct {
	Users    idp.Users
	Ties     connector.Ties
	Consents Consents
	Moves    Moves
	Accounts Accounts
	Log      idp.Log
	Atomic   idp.Atomic
	Now      func() time.Time
}

// Consents knows what people allowed.
type Consents interface {
	All(ctx context.Context, u idp.UserID) ([]oidc.Consent, error)
}

// Moves moves what can be moved from one person to another. It joins the Atomic
// in ctx; what the other one has already stays where it is.
type Moves interface {
	// Same fails the Atomic with idp.ErrSpent when the person's role, kind or
	// epoch is another by then.
	Same(ctx context.Context, u idp.User) error
	// Memberships moves groups, and companies if the other one may be in one.
	Memberships(ctx context.Context, from, to idp.UserID) error
	Consents(ctx context.Context, from, to idp.UserID) error
	// Ties are told to their Odoos anew.
	Ties(ctx context.Context, from, to idp.UserID) error
}

// Accounts ends an account; see [account.Service].
type Accounts interface {
	Disable(ctx context.Context, by idp.Actor, id idp.UserID) error
	Remove(ctx context.Context, by idp.Actor, id idp.UserID) error
}

// Merge says which account stays and what becomes of the other.
type Merge struct {
	Keep, Gone idp.UserID
	Remove     bool // the other one is removed, otherwise disabled
}

// Merged is what a merge does, or would do.
type Merged struct {
	Keep, Gone idp.User
	Groups     []string        // that the kept one joins
	Ties       []connector.Tie // that move
	Stuck      []connector.Tie // that stay with the other: the kept one has one with the same Odoo
	Consents   []oidc.ClientID // that move
	Factors    int             // of the other, that go
	KindDiffer bool
}

// What stands in the way of a merge; each is an idp.ErrInvalid.
var (
	ErrSame = fmt.Errorf("%w: it is the same account", idp.ErrInvalid)
	ErrSelf = fmt.Errorf("%w: one of them is your own account", idp.ErrInvalid)
)

// Preview says what a merge would do. idp.ErrDenied when one of the two has a
// role above the actor's, and when the one that goes has accounts in an Odoo of
// which the actor may not dispose (SECURITY.md D-02).
func (m *Merging) Preview(ctx context.Context, by idp.Actor, in Merge) (Merged, error) {
	if err := by.May(idp.EditPeople); err != nil {
		return Merged{}, m.denied(ctx, by, in, err)
	}
	var out Merged
	var err error
	if out.Keep, err = m.Users.ByID(ctx, in.Keep); err != nil {
		return Merged{}, err
	}
	if out.Gone, err = m.Users.ByID(ctx, in.Gone); err != nil {
		return Merged{}, err
	}
	for _, u := range []idp.User{out.Keep, out.Gone} {
		if err := by.MayTouch(idp.EditPeople, u); err != nil {
			return Merged{}, m.denied(ctx, by, in, err)
		}
	}
	switch {
	case in.Keep == in.Gone:
		return Merged{}, ErrSame
	case by.User != "" && (in.Gone == by.User || in.Keep == by.User): // nobody takes over what is somebody else's
		return Merged{}, ErrSelf
	}
	for _, g := range out.Gone.Groups {
		if !slices.Contains(out.Keep.Groups, g) {
			out.Groups = append(out.Groups, g)
		}
	}
	out.Factors, out.KindDiffer = len(out.Gone.Factors), out.Keep.Kind != out.Gone.Kind
	if err := errors.Join(m.ties(ctx, &out), m.consents(ctx, &out)); err != nil {
		return Merged{}, err
	}
	if len(out.Ties)+len(out.Stuck) > 0 {
		if err := by.May(idp.EditOdoo); err != nil {
			return Merged{}, m.denied(ctx, by, in, err)
		}
	}
	return out, nil
}

func (m *Merging) ties(ctx context.Context, out *Merged) error {
	has, err := m.Ties.OfUser(ctx, out.Keep.ID)
	if err != nil {
		return err
	}
	theirs, err := m.Ties.OfUser(ctx, out.Gone.ID)
	for _, t := range theirs {
		if slices.ContainsFunc(has, func(h connector.Tie) bool { return h.Connection == t.Connection }) {
			out.Stuck = append(out.Stuck, t)
		} else {
			out.Ties = append(out.Ties, t)
		}
	}
	return err
}

func (m *Merging) consents(ctx context.Context, out *Merged) error {
	has, err := m.Consents.All(ctx, out.Keep.ID)
	if err != nil {
		return err
	}
	theirs, err := m.Consents.All(ctx, out.Gone.ID)
	for _, c := range theirs {
		if !slices.ContainsFunc(has, func(h oidc.Consent) bool { return h.Client == c.Client }) {
			out.Consents = append(out.Consents, c.Client)
		}
	}
	return err
}

// Do merges. Groups, Odoo accounts and consents move; then the other account is
// disabled or removed, with all that follows from that. One transaction, and an
// event for each of the two. idp.ErrSpent when one of them was given another
// role meanwhile, or signed out everywhere: what was allowed was so for who they
// were (SECURITY.md D-02).
func (m *Merging) Do(ctx context.Context, by idp.Actor, in Merge) (Merged, error) {
	out, err := m.Preview(ctx, by, in)
	if err != nil {
		return out, err
	}
	end := m.Accounts.Disable
	if in.Remove {
		end = m.Accounts.Remove
	}
	err = m.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{
			m.Moves.Same(ctx, out.Keep), m.Moves.Same(ctx, out.Gone),
			m.Moves.Memberships(ctx, in.Gone, in.Keep), m.Moves.Consents(ctx, in.Gone, in.Keep),
			m.note(ctx, by, "user.merge", in.Keep, map[string]string{
				"merged": string(in.Gone), "groups": strings.Join(out.Groups, "|"), "odoo": strconv.Itoa(len(out.Ties)),
				"consents": strconv.Itoa(len(out.Consents)), "removed": strconv.FormatBool(in.Remove),
			}),
			m.note(ctx, by, "user.merged_into", in.Gone, map[string]string{"into": string(in.Keep)}),
		}
		if len(out.Ties) > 0 { // one that came meanwhile was not allowed
			errs = append(errs, m.Moves.Ties(ctx, in.Gone, in.Keep))
		}
		if in.Remove || !out.Gone.Disabled {
			errs = append(errs, end(ctx, by, in.Gone))
		}
		return errors.Join(errs...)
	})
	return out, err
}

func (m *Merging) note(ctx context.Context, by idp.Actor, what string, about idp.UserID, detail map[string]string) error {
	return m.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: m.Now(), What: what, User: about, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}

// denied notes that somebody tried what is not theirs (SECURITY.md D-07).
func (m *Merging) denied(ctx context.Context, by idp.Actor, in Merge, why error) error {
	if by.User == "" {
		return why
	}
	return errors.Join(why, m.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: m.Now(), What: "user.merge", User: in.Keep, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "denied",
		Detail: map[string]string{"merged": string(in.Gone)},
	}))
}

package security

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/code"
)

// Kinds that this package must know by name.
const (
	totpKind      mfa.Kind = "totp"
	temporaryKind mfa.Kind = "temporary"
)

// wizard is what a ticket carries. The ticket is sealed, and its ceremonies are
// good only in the session that began them.
type wizard struct {
	Kind  mfa.Kind        `json:"k"`
	Asked mfa.ChallengeID `json:"a"`
	Codes mfa.ChallengeID `json:"c,omitempty"` // backup codes that come with it
	Kept  bool            `json:"s,omitempty"` // the person says that they are saved
	Phone string          `json:"p,omitempty"` // E.164
}

var wizardPurpose = []byte("security:wizard")

// Adding is a factor on its way. Nothing of it is active before
// [Service.ConfirmAdd] (SECURITY.md M-07).
type Adding struct {
	Ticket string
	Kind   mfa.Kind
	Ask    mfa.Prompt
	Codes  mfa.Prompt // backup codes; no shape: none come with it
	Kept   bool
	Phone  string
}

// Ready reports whether only the last answer is missing.
func (a Adding) Ready() bool { return a.Kept || a.Codes.Shape == "" }

// BeginAdd starts to add a factor. Backup codes come along with an app for
// whoever has none. For codes by SMS phone is a number as people write it. Where
// a code is sent, the error may be a *mfa.LockedError or mfa.ErrUnsent, ErrUnusable
// for a number or address that takes none, idp.ErrTaken for one that is there.
func (s *Service) BeginAdd(ctx context.Context, by idp.Actor, whose idp.UserID, k mfa.Kind, phone string) (Adding, error) {
	p, err := s.reach(ctx, by, whose, AddFactor)
	if err != nil {
		return Adding{}, err
	}
	if err := addable(s.Factors.Kinds(), p, k); err != nil {
		return Adding{}, err
	}
	w, who := wizard{Kind: k}, p.subject()
	if k == code.SMS {
		if w.Phone, err = number(phone, p.User); err != nil {
			return Adding{}, err
		}
		who.Phone, who.PhoneVerified = w.Phone, w.Phone == p.Phone && p.PhoneVerified
	}
	var out Adding
	start := func(ctx context.Context) error {
		c, err := s.Factors.Enroll(ctx, who, k, p.binding())
		if err != nil {
			return err
		}
		w.Asked, out.Ask = c.ID, c.Prompt
		if k != totpKind || !wantsCodes(p) {
			return nil
		}
		codes, err := s.Factors.Enroll(ctx, who, backup.Kind, p.binding())
		w.Codes, out.Codes = codes.ID, codes.Prompt
		return err
	}
	if s.Factors.Sends(k) { // sending is counted, and counts commit on their own
		err = start(ctx)
	} else {
		err = s.Atomic(ctx, start)
	}
	switch {
	case errors.Is(err, code.ErrHeld):
		return Adding{}, fmt.Errorf("%w: %w", idp.ErrTaken, err)
	case errors.Is(err, code.ErrAddress), errors.Is(err, code.ErrCountry):
		return Adding{}, fmt.Errorf("%w: %w", ErrUnusable, err)
	case err != nil:
		return Adding{}, err
	}
	out.Kind, out.Phone = k, w.Phone
	out.Ticket, err = seal(s.Sealer, w)
	return out, err
}

// addable refuses what cannot be added, or not by this person.
func addable(offered []mfa.Kind, p person, k mfa.Kind) error {
	switch {
	case k == temporaryKind || !slices.Contains(offered, k):
		return fmt.Errorf("%w: %q", mfa.ErrNoFactor, k)
	case k == backup.Kind && len(lasting(p.Factors)) == 0:
		return fmt.Errorf("%w: there is nothing for backup codes to stand in for", idp.ErrDenied)
	case len(p.here.Usable([]mfa.Kind{k})) == 0:
		return refusal(p.here)
	}
	return nil
}

// lasting lists the factors that are held for themselves: the others stand in.
func lasting(kinds []mfa.Kind) []mfa.Kind { return without(kinds, backup.Kind, temporaryKind) }

// wantsCodes reports whether somebody has no backup codes where they count.
func wantsCodes(p person) bool {
	return !slices.Contains(p.Factors, backup.Kind) && len(p.here.Usable([]mfa.Kind{backup.Kind})) > 0
}

func seal(by signin.Sealer, w wizard) (string, error) {
	plain, err := json.Marshal(w)
	if err != nil {
		return "", err
	}
	b, err := by.Seal(plain, wizardPurpose)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func unseal(by signin.Sealer, ticket string) (w wizard, err error) {
	b, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil {
		return w, mfa.ErrExpired
	}
	plain, err := by.Open(b, wizardPurpose)
	if err != nil {
		return w, fmt.Errorf("%w: %w", mfa.ErrExpired, err)
	}
	return w, json.Unmarshal(plain, &w)
}

// Adding returns a wizard under way, so that a reloaded page shows the same
// secret, or mfa.ErrExpired: it is over, or another session's (SECURITY.md M-08).
func (s *Service) Adding(ctx context.Context, by idp.Actor, whose idp.UserID, ticket string) (Adding, error) {
	p, err := s.reach(ctx, by, whose, ConfirmAdd)
	if err != nil {
		return Adding{}, err
	}
	w, err := unseal(s.Sealer, ticket)
	if err != nil {
		return Adding{}, err
	}
	out := Adding{Ticket: ticket, Kind: w.Kind, Kept: w.Kept, Phone: w.Phone}
	c, err := s.Factors.Pending(ctx, mfa.SubjectID(p.ID), w.Asked, p.binding())
	if err != nil {
		return Adding{}, err
	}
	out.Ask = c.Prompt
	if w.Codes == "" {
		return out, nil
	}
	c, err = s.Factors.Pending(ctx, mfa.SubjectID(p.ID), w.Codes, p.binding())
	out.Codes = c.Prompt
	return out, err
}

// Keep returns the ticket of the step after the backup codes were saved.
func (s *Service) Keep(ctx context.Context, by idp.Actor, whose idp.UserID, ticket string) (string, error) {
	if _, err := s.Adding(ctx, by, whose, ticket); err != nil {
		return "", err
	}
	w, err := unseal(s.Sealer, ticket)
	if err != nil {
		return "", err
	}
	w.Kept = true
	return seal(s.Sealer, w)
}

// SendAgain sends the code of a wizard once more; the one before is void.
func (s *Service) SendAgain(ctx context.Context, by idp.Actor, whose idp.UserID, ticket string) error {
	p, err := s.reach(ctx, by, whose, ConfirmAdd)
	if err != nil {
		return err
	}
	w, err := unseal(s.Sealer, ticket)
	if err != nil {
		return err
	}
	_, err = s.Factors.Again(ctx, w.asks(p), w.Asked, p.binding())
	return err
}

// asks says who answers: with the number that is being added.
func (w wizard) asks(p person) mfa.Subject {
	who := p.subject()
	if w.Phone != "" {
		who.Phone, who.PhoneVerified = w.Phone, w.Phone == p.Phone && p.PhoneVerified
	}
	return who
}

// Proof is the last answer of a wizard.
type Proof struct {
	mfa.Answer
	Label     string // how the person calls it; empty: what the factor suggests
	EndOthers bool   // sign out everywhere else (SECURITY.md S-08)
}

// Added says what came of it.
type Added struct {
	Kind    mfa.Kind
	NoCodes bool // there are no backup codes to fall back on
	Renewed
}

// ConfirmAdd is the last step: a right answer makes the factor, and the backup
// codes that come with it, active. A new set of codes replaces the old one. The
// session that had proven no second factor has now (M-01), under a new id (S-01).
//
// Errors are those of mfa.Engine.Confirm; idp.ErrDenied when the codes are not
// said to be saved.
func (s *Service) ConfirmAdd(ctx context.Context, by idp.Actor, whose idp.UserID, ticket string, a Proof) (Added, error) {
	p, err := s.reach(ctx, by, whose, ConfirmAdd)
	if err != nil {
		return Added{}, err
	}
	w, err := unseal(s.Sealer, ticket)
	if err != nil {
		return Added{}, err
	}
	answers, err := w.answers(a)
	if err != nil {
		return Added{}, err
	}
	next, err := s.follower(ctx, p, p.Epoch)
	if err != nil {
		return Added{}, err
	}
	out := Added{Kind: w.Kind, NoCodes: w.Codes == "" && w.Kind != backup.Kind && wantsCodes(p)}
	e := s.event(p, "factor.add", w.Kind)
	err = s.Factors.Confirm(ctx, w.asks(p), p.binding(), answers, func(ctx context.Context, made []mfa.Credential) error {
		out.Renewed = Renewed{}
		keep := p.by.Session
		errs := []error{s.named(ctx, made[0], a.Label), s.Flows.EndAll(ctx, p.ID)} // as in signin: of two wizards one wins
		if w.Kind != backup.Kind && !slices.ContainsFunc(by.Proofs, second) {
			n := next
			n.session.Proofs = append(slices.Clone(n.session.Proofs), idp.Proof{Kind: made[0].Kind, At: s.Now(), Synced: made[0].Use.Synced})
			keep, out.Renewed = n.session.ID, n.renewed(s.Now())
			errs = append(errs, s.follow(ctx, p, n))
		}
		if a.EndOthers {
			errs = append(errs, s.endOthers(ctx, p, keep))
		}
		if w.Phone != "" && !p.PhoneVerified { // one that is known stays where others write to (T-14)
			errs = append(errs, s.Users.SetPhone(ctx, p.ID, w.Phone))
		}
		return errors.Join(append(errs, s.leave(ctx, p, e, noticeOfNew(made[0])))...)
	})
	if err != nil {
		return Added{}, s.failed(ctx, e, err)
	}
	return out, nil
}

// answers are those of the wizard's challenges, once the codes are saved.
func (w wizard) answers(a Proof) ([]mfa.Response, error) {
	if w.Codes != "" && !w.Kept || w.Kind == backup.Kind && !a.Kept {
		return nil, fmt.Errorf("%w: the backup codes are not saved", idp.ErrDenied)
	}
	out := []mfa.Response{{ID: w.Asked, Answer: a.Answer}}
	if w.Codes != "" {
		out = append(out, mfa.Response{ID: w.Codes, Answer: mfa.Answer{Kept: true}})
	}
	return out, nil
}

func noticeOfNew(c mfa.Credential) idp.Notice {
	if c.Kind == backup.Kind {
		return idp.Notice{Kind: idp.CodesRenewed}
	}
	return idp.Notice{Kind: idp.FactorAdded, Credential: c.ID}
}

// second reports whether a proof is one of a second factor.
func second(p idp.Proof) bool { return p.Kind != idp.Password && p.Kind != idp.Device }

// named gives a new credential the name that its owner chose.
func (s *Means) named(ctx context.Context, c mfa.Credential, label string) error {
	if label = clean(label); label == "" {
		return nil
	}
	c.Label, c.Version = label, 1 // just inserted
	return s.Factors.Credentials.Save(ctx, c)
}

// labelMost is how long a name may be, in characters.
const labelMost = 64

// clean makes one short line of what somebody typed.
func clean(label string) string {
	label = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(label, ""))), " ")
	if r := []rune(label); len(r) > labelMost {
		label = string(r[:labelMost])
	}
	return label
}

// failed logs why an answer was refused. The log's failure is worth more than
// the person's: it closes the door.
func (s *Means) failed(ctx context.Context, e idp.Event, err error) error {
	for _, r := range []struct {
		err error
		is  string
	}{{mfa.ErrWrong, "wrong"}, {mfa.ErrLocked, "locked"}, {mfa.ErrExpired, "expired"}, {mfa.ErrRefused, "refused"}, {idp.ErrBadLogin, "wrong"}} {
		if errors.Is(err, r.err) {
			e.Result = r.is
			return errors.Join(err, s.Log.Append(ctx, e))
		}
	}
	return err
}

// Renewed is what the browser must be given when its session goes on under
// another name; Session is empty when it stays.
type Renewed struct {
	Session string
	MaxAge  time.Duration
	Known   string // new value of the known-browser cookie; empty: it stays
}

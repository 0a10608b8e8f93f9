package rulebook

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/mfa/policy"
)

// Means goes with every change of what is in force.
type Means struct {
	Reason string // for the history; may be empty
	// Confirm is the name of the policy, typed: it lets a change happen that would
	// lock out those who could take it back (see [LockoutError]).
	Confirm string
	// Seen is the version of the draft, or the number of the version in force,
	// that whoever acts has looked at; 0: whichever it is.
	Seen int
}

// step is one policy that changes, and how.
type step struct {
	act     Act
	was, is policy.Policy // is without a name: it is removed
	last    int           // number of the newest version
	source  int
	known   bool // the policy was there
}

// Publish puts a draft in force. It fails with a [*ConflictError] when the draft
// is not the one that was seen, or when another version was published since it
// was begun; with idp.ErrTaken when another policy has the name; with a
// [*LockoutError].
func (s *Service) Publish(ctx context.Context, by idp.Actor, id string, in Means) (Version, error) {
	if err := s.may(ctx, by, string(Published), id); err != nil {
		return Version{}, err
	}
	d, err := s.Store.Draft(ctx, id)
	if err != nil {
		return Version{}, err
	}
	if in.Seen != 0 && d.Version != in.Seen {
		return Version{}, &ConflictError{Draft: &d}
	}
	all, was, last, err := s.one(ctx, id)
	known := err == nil
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return Version{}, err
	}
	if d.Base != last {
		return Version{}, s.published(ctx, id, last)
	}
	vs, err := s.put(ctx, by, all, []step{{act: Published, was: was, is: d.Policy, last: last, known: known}}, in, func(ctx context.Context) error {
		return s.Store.DropDraft(ctx, id, d.Version)
	})
	if meanwhile := (*ConflictError)(nil); errors.Is(err, idp.ErrSpent) && !errors.As(err, &meanwhile) {
		err = s.conflict(ctx, id)
	}
	return first(vs), err
}

// published is the conflict with a version that somebody else published.
func (s *Service) published(ctx context.Context, id string, number int) error {
	v, err := s.Store.Version(ctx, id, number)
	if err != nil {
		return err
	}
	return &ConflictError{Published: &v}
}

func first(vs []Version) Version {
	if len(vs) == 0 {
		return Version{}
	}
	return vs[0]
}

// Switch switches a policy on or off. One that is so already stays as it is.
func (s *Service) Switch(ctx context.Context, by idp.Actor, id string, on bool, in Means) (Version, error) {
	act := Disabled
	if on {
		act = Enabled
	}
	return s.edit(ctx, by, id, act, in, func(p policy.Policy) (policy.Policy, error) {
		p.Enabled = on
		return p, nil
	})
}

// edit changes the policy that is in force without a draft.
func (s *Service) edit(ctx context.Context, by idp.Actor, id string, act Act, in Means, change func(policy.Policy) (policy.Policy, error)) (Version, error) {
	if err := s.may(ctx, by, string(act), id); err != nil {
		return Version{}, err
	}
	all, was, last, err := s.one(ctx, id)
	if err != nil {
		return Version{}, err
	}
	if in.Seen != 0 && in.Seen != last {
		return Version{}, s.published(ctx, id, last)
	}
	is, err := change(was)
	if err == nil {
		is, err = checked(is)
	}
	if err != nil || same(was, is) {
		return Version{}, err
	}
	vs, err := s.put(ctx, by, all, []step{{act: act, was: was, is: is, last: last, known: true}}, in, nil)
	return first(vs), err
}

// Exempt leaves somebody out of a policy until the end of a day, within a year.
func (s *Service) Exempt(ctx context.Context, by idp.Actor, id, who string, until policy.Date, in Means) (Version, error) {
	if err := s.may(ctx, by, string(Exempted), id); err != nil {
		return Version{}, err
	}
	u, err := s.Finder.Find(ctx, who)
	if errors.Is(err, idp.ErrNotFound) {
		return Version{}, &FieldError{Field: "user", Want: "there is nobody with this e-mail, login or id"}
	} else if err != nil {
		return Version{}, err
	}
	const longest = 366 // days; no exemption is for ever
	day, ok := until.Start()
	if now := s.Now(); !ok || day.AddDate(0, 0, 1).Before(now) || day.After(now.AddDate(0, 0, longest)) {
		return Version{}, &FieldError{Field: "until", Want: "a day from today on, within a year"}
	}
	if strings.TrimSpace(in.Reason) == "" {
		return Version{}, &FieldError{Field: "reason", Want: "why, for whoever reads it later"}
	}
	return s.edit(ctx, by, id, Exempted, in, func(p policy.Policy) (policy.Policy, error) {
		name := u.Email
		if name == "" {
			name = u.Login
		}
		p.Whom.Except = slices.DeleteFunc(slices.Clone(p.Whom.Except), func(e policy.Except) bool {
			return e.User == string(u.ID) || strings.EqualFold(e.User, u.Email) || strings.EqualFold(e.User, u.Login)
		})
		p.Whom.Except = append(p.Whom.Except, policy.Except{User: name, Until: until})
		return p, nil
	})
}

// Rollback puts an older version in force again, also of a policy that was
// removed. What people had as days of grace goes on.
func (s *Service) Rollback(ctx context.Context, by idp.Actor, id string, number int, in Means) (Version, error) {
	if err := s.may(ctx, by, string(RolledBack), id); err != nil {
		return Version{}, err
	}
	v, err := s.Store.Version(ctx, id, number)
	if err != nil {
		return Version{}, err
	}
	all, was, last, err := s.one(ctx, id)
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return Version{}, err
	}
	known := err == nil
	if in.Seen != 0 && in.Seen != last {
		return Version{}, s.published(ctx, id, last)
	}
	is, err := v.Read()
	if err != nil {
		return Version{}, err
	}
	if known && same(was, is) {
		return Version{}, nil
	}
	vs, err := s.put(ctx, by, all, []step{{act: RolledBack, was: was, is: is, last: last, source: number, known: known}}, in, nil)
	return first(vs), err
}

// Remove takes a policy away. Its history stays, and it can be rolled back;
// whose days of grace had begun is forgotten.
func (s *Service) Remove(ctx context.Context, by idp.Actor, id string, in Means) error {
	if err := s.may(ctx, by, string(Removed), id); err != nil {
		return err
	}
	all, was, last, err := s.one(ctx, id)
	if err != nil {
		return err
	}
	if in.Seen != 0 && in.Seen != last {
		return s.published(ctx, id, last)
	}
	_, err = s.put(ctx, by, all, []step{{act: Removed, was: was, is: policy.Policy{ID: id}, last: last, known: true}}, in, nil)
	return err
}

// Apply puts the policies of a file in force, all or none: one with a known name
// takes the place of that policy, others are new. What says the same already
// makes no new version. To confirm, all their names are typed with commas.
func (s *Service) Apply(ctx context.Context, by idp.Actor, ps []policy.Policy, in Means) ([]Version, error) {
	if err := s.may(ctx, by, string(Published), ""); err != nil {
		return nil, err
	}
	all, err := s.Store.All(ctx)
	if err != nil {
		return nil, err
	}
	last, err := s.Store.Last(ctx)
	if err != nil {
		return nil, err
	}
	var steps []step
	for _, p := range ps {
		st := step{act: Published, is: p}
		if i := slices.IndexFunc(all, func(q policy.Policy) bool { return q.Name == p.Name }); i >= 0 {
			st.was, st.is.ID, st.known = all[i], all[i].ID, true
		} else if st.is.ID, err = s.former(ctx, all, p.Name); err != nil {
			return nil, err
		}
		st.last = last[st.is.ID]
		if st.is, err = checked(st.is); err != nil {
			return nil, err
		}
		if !st.known || !same(st.was, st.is) {
			steps = append(steps, st)
		}
	}
	if len(steps) == 0 {
		return nil, nil
	}
	return s.put(ctx, by, all, steps, in, nil)
}

// former is the id of the policy that had a name when it was removed, whose
// history goes on; a new one otherwise.
func (s *Service) former(ctx context.Context, all []policy.Policy, name string) (string, error) {
	id, err := s.Store.Named(ctx, name)
	if errors.Is(err, idp.ErrNotFound) || err == nil && at(all, id) >= 0 { // it has another name by now
		return newID(), nil
	}
	return id, err
}

// put makes changes of what is in force, all or none, with their versions and
// events. Whoever was quicker makes it fail with idp.ErrSpent.
func (s *Service) put(ctx context.Context, by idp.Actor, all []policy.Policy, steps []step, in Means, also func(context.Context) error) ([]Version, error) {
	reason, err := checkReason(in.Reason)
	if err != nil {
		return nil, err
	}
	if err := s.guard(ctx, by, all, steps, in.Confirm); err != nil {
		return nil, err
	}
	who, err := s.who(ctx, by)
	if err != nil {
		return nil, err
	}
	var out []Version
	err = s.Atomic(ctx, func(ctx context.Context) error {
		for _, st := range steps {
			v, err := s.write(ctx, by, st, who, reason)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		if also != nil {
			return also(ctx)
		}
		return nil
	})
	if errors.Is(err, idp.ErrSpent) {
		return nil, s.quicker(ctx, steps, err)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// quicker names the version that somebody else published in that very moment, if
// that is why a change failed.
func (s *Service) quicker(ctx context.Context, steps []step, err error) error {
	for _, st := range steps {
		v, missing := s.Store.Version(ctx, st.is.ID, max(st.last, 1)+1)
		if missing == nil {
			return &ConflictError{Published: &v}
		}
		if !errors.Is(missing, idp.ErrNotFound) {
			return missing
		}
	}
	return err
}

// write adds one change to the Atomic in ctx.
func (s *Service) write(ctx context.Context, by idp.Actor, st step, who, reason string) (Version, error) {
	v := Version{Policy: st.is.ID, Act: st.act, Source: st.source, At: s.Now(), Actor: by.User, Who: who, Reason: reason}
	if st.known && st.last == 0 { // from before there was a history
		text, err := body(st.was)
		if err != nil {
			return v, err
		}
		st.last = 1
		if err := s.Store.Note(ctx, Version{Policy: v.Policy, Number: 1, Name: st.was.Name, Act: Found, Body: text, At: v.At}); err != nil {
			return v, err
		}
	}
	v.Number = st.last + 1
	kept := st.is
	if st.act == Removed {
		kept = st.was
	}
	v.Name = kept.Name
	var err error
	if v.Body, err = body(kept); err != nil {
		return v, err
	}
	more := map[string]string{"reason": reason, "version": strconv.Itoa(v.Number)}
	if st.source > 0 {
		more["rolled_back_to"] = strconv.Itoa(st.source)
	}
	if st.act != Renamed { // which means the same people
		more["weaker"] = strings.Join(policy.Weaker(st.was, st.is), " ")
	}
	if st.act == Removed {
		return v, errors.Join(s.Store.Withdraw(ctx, v), s.note(ctx, by, string(st.act), kept, st.was, policy.Policy{}, more))
	}
	return v, errors.Join(s.Store.Publish(ctx, st.is, v), s.note(ctx, by, string(st.act), kept, st.was, st.is, more))
}

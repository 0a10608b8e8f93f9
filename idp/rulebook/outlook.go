package rulebook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/posture"
	"latchkey/mfa/policy"
)

// Jobs is where work goes on behind pages; see [job.Desk].
type Jobs interface {
	Start(ctx context.Context, by idp.Actor, kind, about string, work job.Work) (string, error)
	About(ctx context.Context, about string, limit int) ([]job.Job, error)
}

// Looking at a million people takes a minute, so it is done behind the page and
// the answer is kept.
const (
	effectKind   = "policy.effect"
	coverageKind = "policy.coverage"
	everyPolicy  = "policies" // what coverage is about

	keepLeast = 10 * time.Minute // an answer is good for so long
	keepTimes = 20               // and for so many times as long as it took

	patience = 200 * time.Millisecond // a page waits for a small house
	glance   = 10 * time.Millisecond
)

// Progress is how far a look at everybody is.
type Progress struct {
	Running bool
	Looked  int
	At      time.Time // of the answer that is there; zero: none
	Old     bool      // the answer is about other policies, or another day
	Failed  bool      // the last look broke off
}

// Outlook is what publishing a draft would do to everybody, as far as it is
// known.
type Outlook struct {
	Progress
	Effect *posture.Effect // nil: not known yet
}

// answer is what a job keeps.
type answer struct {
	Print    string
	At       time.Time
	Effect   *posture.Effect             `json:",omitempty"`
	Coverage map[string]posture.Coverage `json:",omitempty"`
}

// Outlook looks at everybody in the light of a policy's draft, or of what is in
// force where there is none. What is known already is returned at once, and
// looked up anew behind it when it is old; again does so in any case. It fails
// with idp.ErrNotFound.
func (s looker) Outlook(ctx context.Context, by idp.Actor, id string, again bool) (Outlook, error) {
	before, after, err := s.change(ctx, by, id)
	if err != nil {
		return Outlook{}, err
	}
	print, err := fingerprint(append(before, after...))
	if err != nil {
		return Outlook{}, err
	}
	p, a, err := s.known(ctx, by, effectKind, "policy:"+id, print, again, func(ctx context.Context, r *job.Run, a answer) (answer, error) {
		e, err := s.posture().Effect(ctx, before, after, posture.Options{}, stepper(ctx, r))
		a.Effect = &e
		return a, err
	})
	return Outlook{Progress: p, Effect: a.Effect}, err
}

// change is what is in force, and what would be with a policy's draft.
func (s reader) change(ctx context.Context, by idp.Actor, id string) (before, after []policy.Policy, err error) {
	e, err := s.Get(ctx, by, id)
	if err != nil {
		return nil, nil, err
	}
	if before, err = s.Store.All(ctx); err != nil {
		return nil, nil, err
	}
	after = before
	if e.Draft != nil {
		after = over(before, e.Draft.Policy)
	}
	return before, after, nil
}

// Hits tells each of those whom a draft would block, now or at a deadline, as
// they come: for files.
func (s looker) Hits(ctx context.Context, by idp.Actor, id string, each func(posture.Hit) error) error {
	before, after, err := s.change(ctx, by, id)
	if err != nil {
		return err
	}
	return s.posture().Hits(ctx, before, after, posture.Options{}, each)
}

// Look is where one person stands with what is in force, and with a draft.
func (s looker) Look(ctx context.Context, by idp.Actor, id, who string) (before, after posture.Person, err error) {
	was, is, err := s.change(ctx, by, id)
	if err == nil {
		err = by.May(idp.SeePeople)
	}
	if err != nil {
		return before, after, err
	}
	u, err := s.Finder.Find(ctx, who)
	if err != nil {
		return before, after, err
	}
	p := s.posture()
	return p.Person(was, u, posture.Options{}), p.Person(is, u, posture.Options{}), nil
}

// Covered is how ready people are for each policy, by id.
type Covered struct {
	Progress
	By map[string]posture.Coverage
}

// Coverage counts, for each policy, whom it is for and who of them is ready. It
// looks at everybody behind the page, as Outlook does.
func (s looker) Coverage(ctx context.Context, by idp.Actor, again bool) (Covered, error) {
	if err := by.May(idp.SeeRules); err != nil {
		return Covered{}, err
	}
	all, err := s.Store.All(ctx)
	if err != nil || len(all) == 0 {
		return Covered{}, err
	}
	print, err := fingerprint(all)
	if err != nil {
		return Covered{}, err
	}
	p, a, err := s.known(ctx, by, coverageKind, everyPolicy, print, again, func(ctx context.Context, r *job.Run, a answer) (answer, error) {
		counts, err := s.posture().Coverage(ctx, all, stepper(ctx, r))
		a.Coverage = map[string]posture.Coverage{}
		for i := range counts {
			a.Coverage[all[i].ID] = counts[i]
		}
		return a, err
	})
	return Covered{Progress: p, By: a.Coverage}, err
}

// stepper notes progress now and then.
func stepper(ctx context.Context, r *job.Run) func(int) {
	const every = 500
	return func(n int) {
		if n%every == 0 && ctx.Err() == nil {
			r.Progress(n, 0)
		}
	}
}

// known returns the newest answer and, if it is not good any more, starts the
// work for another. A page waits a moment for it: most houses are small.
func (s looker) known(ctx context.Context, by idp.Actor, kind, about, print string, again bool, work func(context.Context, *job.Run, answer) (answer, error)) (Progress, answer, error) {
	p, a, good, err := s.newest(ctx, kind, about, print)
	if err != nil || good && !again || p.Running {
		return p, a, err
	}
	now := s.Now()
	_, err = s.Jobs.Start(ctx, by, kind, about, func(ctx context.Context, r *job.Run) (any, error) {
		return work(ctx, r, answer{Print: print, At: now})
	})
	if err != nil && !errors.Is(err, idp.ErrBusy) { // busy: it is shown when it is there
		return p, a, err
	}
	for until := time.Now().Add(cmp.Or(s.Patience, patience)); time.Now().Before(until); time.Sleep(glance) {
		p, a, _, err = s.newest(ctx, kind, about, print)
		if err != nil || !p.Running {
			break
		}
	}
	return p, a, err
}

// newest is the newest answer that there is, whether it is still good, and what
// is going on.
func (s looker) newest(ctx context.Context, kind, about, print string) (p Progress, a answer, good bool, err error) {
	const look = 5 // the last that ended well may be a few back
	jobs, err := s.Jobs.About(ctx, about, look)
	if err != nil {
		return p, a, false, err
	}
	now := s.Now()
	for i, j := range jobs {
		if j.Kind != kind {
			continue
		}
		switch j.Now(now) {
		case job.Running:
			p.Running, p.Looked = true, j.Done
			continue
		case job.Done:
			var b answer
			if err := j.Read(&b); err != nil {
				return p, a, false, err
			}
			if b.Print != print { // about other policies: better than nothing
				if p.At.IsZero() {
					p.At, p.Old, a = b.At, true, b
				}
				continue
			}
			p.At, p.Old = b.At, false
			return p, b, now.Sub(j.Ended) < max(keepLeast, keepTimes*j.Ended.Sub(j.Began)), nil
		}
		p.Failed = p.Failed || i == 0
	}
	return p, a, false, nil
}

// fingerprint tells one set of policies from another.
func fingerprint(ps []policy.Policy) (string, error) {
	text, err := policy.Format(ps)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, p := range ps {
		h.Write([]byte(p.ID + "\x00"))
	}
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}

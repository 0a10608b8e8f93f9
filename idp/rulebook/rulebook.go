// Package rulebook looks after the policies: drafts, what publishing them would
// do, every version that was ever in force, and the groups that they are about.
//
// It decides nothing about people: package policy does, by what stands here. A
// change that would lock everybody out who could take it back is refused, unless
// whoever makes it says in so many letters that they mean it. The command line
// of the host may always: it is the way back in (SECURITY.md D-05).
package rulebook

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/mfa/policy"
)

// Act is what made a version.
type Act string

const (
	Published  Act = "publish"
	Enabled    Act = "enable"
	Disabled   Act = "disable"
	Exempted   Act = "exempt"
	RolledBack Act = "rollback"
	Renamed    Act = "rename" // a group that it names
	Removed    Act = "remove"
	Found      Act = "found" // it was there before there was a history
)

// Version is a policy as it was from a moment on.
type Version struct {
	Policy string // id
	Number int    // from 1 on
	Name   string
	Act    Act
	Source int    // of a rollback: the version that came back
	Body   string // a policy file; of a removal, the policy as it was
	At     time.Time
	Actor  idp.UserID // empty: the command line
	Who    string     // what the actor was called
	Reason string
}

// Read is the policy of the version.
func (v Version) Read() (policy.Policy, error) { return readOne(v.Policy, v.Body) }

// Draft is a policy that is being written.
type Draft struct {
	Policy  policy.Policy // with its id; a new one has one, too
	Version int           // rises with each save; whoever saves says which they saw
	Base    int           // number of the version that it began from; 0: a new policy
	At      time.Time     // of the last save
	Actor   idp.UserID
	Who     string
}

// Store keeps policies, their versions and drafts.
type Store interface {
	All(ctx context.Context) ([]policy.Policy, error)
	// Publish adds a policy or replaces the one with its id, beside the version
	// of it. It fails with idp.ErrSpent when there is a version of that number, and
	// with idp.ErrTaken when another policy has the name.
	Publish(ctx context.Context, p policy.Policy, v Version) error
	// Withdraw removes a policy and leaves the version. It fails with
	// idp.ErrSpent as Publish does, and with idp.ErrNotFound.
	Withdraw(ctx context.Context, v Version) error
	// Note writes a version alone.
	Note(ctx context.Context, v Version) error
	// Last are the numbers of the newest versions, by policy.
	Last(ctx context.Context) (map[string]int, error)
	// Versions returns up to limit versions before a number (0: all), newest first.
	Versions(ctx context.Context, id string, before, limit int) ([]Version, error)
	// Version fails with idp.ErrNotFound.
	Version(ctx context.Context, id string, number int) (Version, error)
	// Named is the policy that had a name last, or idp.ErrNotFound.
	Named(ctx context.Context, name string) (id string, err error)
	// Gone returns the last versions of policies that were removed, newest first.
	Gone(ctx context.Context, limit int) ([]Version, error)

	Drafts(ctx context.Context) ([]Draft, error)
	// Draft fails with idp.ErrNotFound.
	Draft(ctx context.Context, id string) (Draft, error)
	// SaveDraft keeps a draft if the one there is of the version before, or none
	// for version 1; idp.ErrSpent otherwise.
	SaveDraft(ctx context.Context, d Draft) error
	// DropDraft fails with idp.ErrSpent when the draft is of another version.
	DropDraft(ctx context.Context, id string, version int) error
	// Staff are the owners and administrators who are not disabled.
	Staff(ctx context.Context) ([]idp.User, error)
}

// People reads people.
type People interface {
	posture.Users
	ByID(ctx context.Context, id idp.UserID) (idp.User, error)
}

// Finder finds a person by e-mail, login or id; see package account. It fails
// with idp.ErrNotFound.
type Finder interface {
	Find(ctx context.Context, who string) (idp.User, error)
}

// Config is what the rulebook works with.
type Config struct {
	Store   Store
	People  People
	Finder  Finder
	Groups  GroupStore
	Clients Clients
	Factors posture.Factors
	Jobs    Jobs
	Log     idp.Log
	Atomic  idp.Atomic
	Now     func() time.Time
	// Standing says how somebody stands beside policy; nil: nobody is locked, and
	// nothing is known of invitations.
	Standing func(ctx context.Context, u idp.User) (Standing, error)
	// Patience is how long a look at everybody is waited for; the default is too
	// short for anybody to notice.
	Patience time.Duration
}

// Service looks after policies. Each of the types in it does one part: it reads
// what there is, looks at what that does to people, writes drafts.
type Service struct{ writer }

type (
	reader struct{ *Config }
	looker struct{ reader }
	writer struct{ looker }
)

// New makes the service.
func New(c Config) *Service { return &Service{writer{looker{reader{&c}}}} }

// Entry is one policy as the list has it.
type Entry struct {
	Policy  policy.Policy
	Version int    // 0: it has no history yet
	Draft   *Draft // of it, if there is one
}

// List returns all policies in the order in which they were added, and drafts
// of policies that are new. Order has no meaning: the strictest wins.
func (s reader) List(ctx context.Context, by idp.Actor) (there []Entry, fresh []Draft, err error) {
	if err := by.May(idp.SeeRules); err != nil {
		return nil, nil, err
	}
	all, err := s.Store.All(ctx)
	if err != nil {
		return nil, nil, err
	}
	last, err := s.Store.Last(ctx)
	if err != nil {
		return nil, nil, err
	}
	drafts, err := s.Store.Drafts(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range all {
		e := Entry{Policy: p, Version: last[p.ID]}
		if i := slices.IndexFunc(drafts, func(d Draft) bool { return d.Policy.ID == p.ID }); i >= 0 {
			e.Draft = &drafts[i]
		}
		there = append(there, e)
	}
	for _, d := range drafts {
		if at(all, d.Policy.ID) < 0 {
			fresh = append(fresh, d)
		}
	}
	return there, fresh, nil
}

// Get returns one policy, with its draft, or the draft of a new one: then the
// entry's policy has no name. It fails with idp.ErrNotFound.
func (s reader) Get(ctx context.Context, by idp.Actor, id string) (Entry, error) {
	there, fresh, err := s.List(ctx, by)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range there {
		if e.Policy.ID == id {
			return e, nil
		}
	}
	for _, d := range fresh {
		if d.Policy.ID == id {
			last, err := s.Store.Last(ctx) // of one that was removed while somebody wrote
			return Entry{Policy: policy.Policy{ID: id}, Version: last[id], Draft: &d}, err
		}
	}
	return Entry{}, idp.ErrNotFound
}

// New reports whether there is only a draft.
func (e Entry) New() bool { return e.Policy.Name == "" }

// Find is the id of the policy that has a name, or had it last.
func (s reader) Find(ctx context.Context, by idp.Actor, name string) (string, error) {
	if err := by.May(idp.SeeRules); err != nil {
		return "", err
	}
	all, err := s.Store.All(ctx)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(all, func(p policy.Policy) bool { return p.Name == name }); i >= 0 {
		return all[i].ID, nil
	}
	return s.Store.Named(ctx, name)
}

func at(ps []policy.Policy, id string) int {
	return slices.IndexFunc(ps, func(p policy.Policy) bool { return p.ID == id })
}

// over lays a policy over those there are, by id.
func over(there []policy.Policy, p policy.Policy) []policy.Policy {
	out := slices.Clone(there)
	if i := at(out, p.ID); i >= 0 {
		out[i] = p
		return out
	}
	return append(out, p)
}

// without leaves a policy out.
func without(there []policy.Policy, id string) []policy.Policy {
	return slices.DeleteFunc(slices.Clone(there), func(p policy.Policy) bool { return p.ID == id })
}

// one is the policy of that id as it is in force, and the number of its newest
// version; idp.ErrNotFound.
func (s *Config) one(ctx context.Context, id string) (all []policy.Policy, p policy.Policy, last int, err error) {
	if all, err = s.Store.All(ctx); err != nil {
		return nil, p, 0, err
	}
	numbers, err := s.Store.Last(ctx)
	if err != nil {
		return nil, p, 0, err
	}
	i := at(all, id)
	if i < 0 {
		return all, p, numbers[id], idp.ErrNotFound
	}
	return all, all[i], numbers[id], nil
}

// body is a policy as a version keeps it.
func body(p policy.Policy) (string, error) {
	text, err := policy.Format([]policy.Policy{p})
	return string(text), err
}

func readOne(id, body string) (policy.Policy, error) {
	ps, err := policy.Parse([]byte(body))
	if err != nil {
		return policy.Policy{}, err
	}
	if len(ps) != 1 {
		return policy.Policy{}, fmt.Errorf("%w: a file with one policy is wanted, found %d", policy.ErrInvalid, len(ps))
	}
	ps[0].ID = id
	return ps[0], nil
}

// Read reads a file of one policy, as the editor has it. Its error is a
// [policy.Mistakes], or says that there is not one.
func Read(text string) (policy.Policy, error) { return readOne("", text) }

// same reports whether two policies say the same.
func same(a, b policy.Policy) bool {
	one, err1 := body(a)
	other, err2 := body(b)
	return err1 == nil && err2 == nil && one == other
}

// Change is one thing in which two policies differ. Key is that of a form.
type Change struct{ Key, Before, After string }

// Diff lists in what two policies differ, in the order of forms. The zero
// policy says nothing.
func Diff(before, after policy.Policy) ([]Change, error) {
	was, err := policy.ValuesOf(before)
	if err != nil {
		return nil, err
	}
	is, err := policy.ValuesOf(after)
	if err != nil {
		return nil, err
	}
	var out []Change
	add := func(key string) {
		if was[key] != is[key] {
			out = append(out, Change{key, was[key], is[key]})
		}
	}
	for _, f := range policy.Fields() {
		if f.Input != policy.Texts {
			add(f.Key)
			continue
		}
		var tags []string
		for _, v := range []policy.Values{was, is} {
			for key := range v {
				if strings.HasPrefix(key, f.Key+".") && !slices.Contains(tags, key) {
					tags = append(tags, key)
				}
			}
		}
		slices.Sort(tags)
		for _, key := range tags {
			add(key)
		}
	}
	return out, nil
}

// reasonMost is how long a reason may be, in characters.
const reasonMost = 500

func checkReason(text string) (string, error) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > reasonMost || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' }) {
		return "", &FieldError{Field: "reason", Want: "at most " + strconv.Itoa(reasonMost) + " characters"}
	}
	return text, nil
}

// FieldError names the field that is not valid; it is an [idp.ErrInvalid].
type FieldError struct{ Field, Want string }

func (e *FieldError) Error() string {
	return fmt.Sprintf("%v: %s: %s", idp.ErrInvalid, e.Field, e.Want)
}

func (e *FieldError) Unwrap() error { return idp.ErrInvalid }

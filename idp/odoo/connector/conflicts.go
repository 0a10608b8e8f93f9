package connector

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/password"
	"latchkey/mfa/totp"
)

// Class is something about a user of an Odoo that an administrator decides on
// before people are brought in.
type Class string

// Choice is what is done about a class.
type Choice string

// The classes.
const (
	SameEmail   Class = "same-email"
	SameLogin   Class = "same-login"
	OnlyCase    Class = "case"
	NotEmail    Class = "login-not-email"
	Unproven    Class = "unproven-email"
	NoEmail     Class = "no-email"
	Archived    Class = "archived"
	NoKind      Class = "no-kind"
	Template    Class = "template"
	SameName    Class = "same-name"
	LooksLike   Class = "looks-like"
	Exists      Class = "exists"
	WasRemoved  Class = "removed"
	BadPhone    Class = "phone"
	BadPassword Class = "password"
	BadApp      Class = "app"
	Mistake     Class = "mistake"
)

// The choices; which go with which class says [Classes].
const (
	Skip         Choice = "skip"
	First        Choice = "first"
	WithoutEmail Choice = "without-email"
	Both         Choice = "both"
	ByEmail      Choice = "email"
	ByLogin      Choice = "login"
	Bring        Choice = "import"
	AsDisabled   Choice = "disabled"
	Unverified   Choice = "unverified"
	Verified     Choice = "verified"
	Adopt        Choice = "adopt"
)

// ClassInfo tells about a class. The first choice is the default, and the
// safest: nobody comes in as somebody else.
type ClassInfo struct {
	Class   Class    `json:"class"`
	Means   string   `json:"means"`
	Choices []Choice `json:"choices"`
}

// Classes are all classes, in the order in which they are told.
var Classes = []ClassInfo{
	{SameEmail, "several users have the same e-mail (skip: none of them; first: the first alone; without-email: all, by their logins)", []Choice{Skip, First, WithoutEmail}},
	{SameLogin, "several users of different websites have the same login", []Choice{Skip, First}},
	{OnlyCase, "logins differ in upper and lower case only, which makes no difference here", []Choice{Skip, First}},
	{SameName, "the login of one user is the e-mail of another", []Choice{Skip}},
	{LooksLike, "a name looks the same as somebody else's", []Choice{Skip}},
	{Exists, "somebody here has the login or e-mail (adopt: they are the same person; nothing of theirs changes, they join the groups)", []Choice{Skip, Adopt}},
	{WasRemoved, "came in before and was removed here", []Choice{Skip, Bring}},
	{NoEmail, "no e-mail that can be used (import: by the login alone; login: the login is the e-mail if it is an address)", []Choice{Skip, Bring, ByLogin}},
	{Archived, "archived in Odoo", []Choice{Skip, AsDisabled}},
	{NotEmail, "the login is not the e-mail (both: either signs in; email or login: that one alone)", []Choice{Both, ByEmail, ByLogin, Skip}},
	{Unproven, "nobody knows whether the e-mail is theirs: it is not the login, or strangers may sign up in Odoo", []Choice{Unverified, Verified, Skip}},
	{NoKind, "neither an internal nor a portal user", []Choice{Skip}},
	{Template, "made by Odoo for itself", []Choice{Skip}},
	{BadPhone, "the phone number takes no text messages or cannot be read, and is left out", []Choice{Bring, Skip}},
	{BadPassword, "the password is in a form that cannot be checked here, and is left out", []Choice{Bring, Skip}},
	{BadApp, "the secret of the authenticator app cannot be read, and is left out", []Choice{Bring, Skip}},
	{Mistake, "a value is not allowed here", []Choice{Skip}},
}

// Options say who is brought in, and how.
type Options struct {
	Only      idp.Kind         `json:"only,omitempty"`
	Companies bool             `json:"companies,omitempty"` // people's companies become groups here
	On        map[Class]Choice `json:"on,omitempty"`
}

// Check fails with idp.ErrInvalid and every mistake.
func (o Options) Check() error {
	var wrong []string
	for class, choice := range o.On {
		i := slices.IndexFunc(Classes, func(c ClassInfo) bool { return c.Class == class })
		switch {
		case i < 0:
			wrong = append(wrong, fmt.Sprintf("there is no class %q", class))
		case !slices.Contains(Classes[i].Choices, choice):
			wrong = append(wrong, fmt.Sprintf("%s=%s: %v may be chosen", class, choice, Classes[i].Choices))
		}
	}
	if o.Only != "" && o.Only != idp.Internal && o.Only != idp.Portal {
		wrong = append(wrong, fmt.Sprintf("only %q: internal or portal may be chosen", o.Only))
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return fmt.Errorf("%w: %s", idp.ErrInvalid, strings.Join(wrong, "; "))
}

// choice is what is done about a class.
func (o Options) choice(c Class) Choice {
	if chosen, ok := o.On[c]; ok {
		return chosen
	}
	i := slices.IndexFunc(Classes, func(info ClassInfo) bool { return info.Class == c })
	return Classes[i].Choices[0]
}

// tally counts users by a name.
type tally struct {
	users int32
	same  bool // all write it the same way
	exact uint64
	first uint64 // who came first
}

// census knows which names are there more than once. It keeps hashes, so that
// a million users take a few dozen megabytes.
type census struct {
	seed   maphash.Seed
	logins map[uint64]tally
	mails  map[uint64]tally
}

func newCensus() *census {
	return &census{seed: maphash.MakeSeed(), logins: map[uint64]tally{}, mails: map[uint64]tally{}}
}

func (c *census) count(p Person) {
	c.add(c.logins, p.Login, p)
	if mail := address(p.Email); mail != "" {
		c.add(c.mails, mail, p)
	}
}

func (c *census) add(to map[uint64]tally, name string, p Person) {
	key, exact := maphash.String(c.seed, idp.Canonical(name)), maphash.String(c.seed, name)
	t, there := to[key]
	if !there {
		t = tally{same: true, exact: exact, first: c.who(p)}
	}
	t.users++
	t.same = t.same && t.exact == exact
	to[key] = t
}

// who names a user within one reading of the source.
func (c *census) who(p Person) uint64 {
	return maphash.String(c.seed, fmt.Sprintf("%d %d %s", p.ID, p.Line, p.Login))
}

func (c *census) of(in map[uint64]tally, name string) tally {
	return in[maphash.String(c.seed, idp.Canonical(name))]
}

// found is a class that a user is in.
type found struct {
	class Class
	note  Note
}

// verdict is what becomes of a user.
type verdict struct {
	in       account.New
	found    []found
	skip     bool // because of the last that was found
	outside  bool // Options.Only leaves them out
	disabled bool
}

// judgement is the work on one user.
type judgement struct {
	Options
	verdict
	p      Person
	census *census
	open   bool // strangers can sign up
	email  string
}

// meets notes a class and reports whether the user is left out for it.
func (j *judgement) meets(c Class, n Note) (choice Choice, out bool) {
	j.found = append(j.found, found{c, n})
	choice = j.choice(c)
	j.skip = choice == Skip
	return choice, j.skip
}

// eligible says who is not looked at any further, before names are compared.
func (o Options) eligible(p Person) verdict {
	j := &judgement{Options: o, p: p}
	switch {
	case p.wrong != nil:
		j.meets(Mistake, noted(p.wrong, "import.unread"))
	case templates[p.Login]:
		j.meets(Template, Note{})
	case !p.Internal && !p.Portal:
		j.meets(NoKind, Note{})
	case o.Only != "" && o.Only != p.kind():
		j.skip, j.outside = true, true
	case !p.Active:
		choice, _ := j.meets(Archived, Note{})
		j.disabled = choice == AsDisabled
	}
	return j.verdict
}

func (p Person) kind() idp.Kind {
	if p.Internal {
		return idp.Internal
	}
	return idp.Portal
}

// judge decides about one user. It is pure.
func (o Options) judge(p Person, c *census, open bool) verdict {
	j := &judgement{Options: o, p: p, census: c, open: open, verdict: o.eligible(p)}
	if j.skip {
		return j.verdict
	}
	for _, step := range []func() bool{j.login, j.mail, j.names, j.proof, j.secrets} {
		if step() {
			return j.verdict
		}
	}
	j.in.Name, j.in.Kind, j.in.Locale = plain(p.Name), p.kind(), locale(p.Lang)
	j.in.Profile.Zoneinfo = zone(p.Zone)
	return j.verdict
}

// login looks for users with the same one.
func (j *judgement) login() (out bool) {
	t := j.census.of(j.census.logins, j.p.Login)
	if t.users < 2 {
		return false
	}
	class := OnlyCase
	if t.same {
		class = SameLogin
	}
	choice, out := j.meets(class, say("import.login", t.users, j.p.Login))
	if choice == First && t.first != j.census.who(j.p) {
		j.skip, out = true, true
	}
	return out
}

// mail finds the address.
func (j *judgement) mail() (out bool) {
	j.email = address(j.p.Email)
	if j.email == "" {
		choice, out := j.meets(NoEmail, say("import.value", j.p.Email))
		if choice == ByLogin {
			j.email = address(j.p.Login)
		}
		return out
	}
	t := j.census.of(j.census.mails, j.email)
	if t.users < 2 {
		return false
	}
	choice, out := j.meets(SameEmail, say("import.email", t.users, j.email))
	switch {
	case choice == WithoutEmail:
		j.email = ""
	case choice == First && t.first != j.census.who(j.p):
		j.skip, out = true, true
	}
	return out
}

// isEmail reports whether the login is the e-mail.
func (j *judgement) isEmail() bool { return idp.Canonical(j.p.Login) == idp.Canonical(j.email) }

// names decides by which names the person is found.
func (j *judgement) names() (out bool) {
	j.in.Login, j.in.Email = j.p.Login, j.email
	if j.email == "" || j.isEmail() {
		return false
	}
	choice, out := j.meets(NotEmail, say("import.both", j.p.Login, j.email))
	switch choice {
	case ByEmail:
		j.in.Login = j.email
	case ByLogin:
		j.in.Email, j.email = "", ""
	}
	return out
}

// proof decides whether the address is taken for theirs. Who changes their own
// e-mail in Odoo proves nothing, nor does who signs up there: with a verified
// address of somebody else's they would be let in elsewhere as that person.
func (j *judgement) proof() (out bool) {
	if j.email == "" {
		return false
	}
	if j.isEmail() && (!j.open || !j.p.Portal) {
		j.in.ProvenEmail = true
		return false
	}
	choice, out := j.meets(Unproven, say("import.value", j.email))
	j.in.ProvenEmail = choice == Verified
	return out
}

// secrets takes what can be used of password, app and phone.
func (j *judgement) secrets() (out bool) {
	if j.p.Password != "" {
		if err := password.Known(j.p.Password); err == nil {
			j.in.PasswordHash = j.p.Password
		} else if _, out := j.meets(BadPassword, Note{}); out {
			return true
		}
	}
	if j.p.App != "" {
		if _, err := totp.FromSecret(j.p.App, j.p.Written); err == nil {
			j.in.TOTPSecret = j.p.App
		} else if _, out := j.meets(BadApp, Note{}); out {
			return true
		}
	}
	if j.p.Phone+j.p.Mobile == "" {
		return false
	}
	if j.in.Phone = phone(j.p.Country, j.p.Mobile, j.p.Phone); j.in.Phone == "" {
		_, out = j.meets(BadPhone, say("import.value", strings.TrimSpace(j.p.Mobile+" "+j.p.Phone)))
	}
	return out
}

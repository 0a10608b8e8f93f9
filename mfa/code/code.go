// Package code is the factor of one-time codes that are sent: by SMS or by
// e-mail.
//
// It makes codes, decides whether one may be sent and judges what comes back.
// It never sends anything itself and knows no words: a [Courier] does that.
// It remembers nothing: what a code must be compared with is the state of its
// challenge, so a new code is the end of the one before it.
package code

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"latchkey/mfa"
)

// The two kinds of this factor.
const (
	SMS   mfa.Kind = "sms"
	Email mfa.Kind = "email"
)

// The bounds of what policy may ask for (SECURITY.md T-05).
const (
	leastDigits, mostDigits   = 6, 10
	usualValidity, mostValid  = 5 * time.Minute, 10 * time.Minute
	skew                      = 2 * time.Minute // between the clocks of two instances
	saltBytes, maxInput       = 16, 64
	stateAsks, stateEnrolment = "ask", "enrol"
)

// What can go wrong beyond the words of package mfa.
var (
	// ErrAddress means that there is no address, or none that can get a code.
	ErrAddress = errors.New("code: no address that a code can be sent to")
	// ErrHeld means that a code is sent to this address already.
	ErrHeld = errors.New("code: this address is held already")
	// ErrCountry means that no codes are sent to this country.
	ErrCountry = fmt.Errorf("%w: not to this country", mfa.ErrUnsent)
)

// Letter is a code on its way.
type Letter struct {
	Kind    mfa.Kind
	To      string // E.164 or an e-mail address
	Code    string
	Digits  int
	Until   time.Time // the code is good until then
	Adding  bool      // it proves a new address
	Subject mfa.Subject
}

// Courier writes a letter and sees to it that it is sent. It must not wait for
// that: somebody's page does (SECURITY.md E-02).
type Courier interface {
	Send(ctx context.Context, l Letter) error
}

// Factor implements [mfa.Factor] for one of the two kinds. A person may hold
// several addresses. Its fields are set once, before first use.
type Factor struct {
	Channel mfa.Kind // SMS or Email
	Courier Courier  // nil: nothing can be sent
	Limiter mfa.Limiter
	// Able reports whether codes can be sent now; nil: always.
	Able  func() bool
	Now   func() time.Time
	Rates Rates // zero values get the defaults
	// Countries are the only ones that SMS go to, as calling codes (+33) or
	// ISO 3166 codes (FR); none: all.
	Countries []string
	// Alarm tells the house that sending has been stopped, once for each
	// reason and day. It may be nil.
	Alarm func(ctx context.Context, h Halt) error
}

var (
	_ mfa.Factor   = Factor{}
	_ mfa.Sending  = Factor{}
	_ mfa.Optional = Factor{}
	_ mfa.Lending  = Factor{}
)

// data is what a credential remembers.
type data struct {
	To string `json:"to"`
}

// state is what a challenge remembers. A code of six digits can be found from
// any hash of it in no time; what keeps it secret is that states are sealed.
// The hash binds it to person, purpose and address (SECURITY.md T-06).
type state struct {
	Purpose    string           `json:"purpose"`
	Credential mfa.CredentialID `json:"credential,omitempty"` // the one asked for
	To         string           `json:"to"`
	Salt       []byte           `json:"salt"`
	Hash       []byte           `json:"hash"`
	Digits     int              `json:"digits"`
	Network    string           `json:"network,omitempty"` // that paid for it
	Until      int64            `json:"until"`             // ms since 1970
}

// Kind implements [mfa.Factor].
func (f Factor) Kind() mfa.Kind { return f.Channel }

// Ready implements [mfa.Optional].
func (f Factor) Ready() bool { return f.Able == nil || f.Able() }

func (f Factor) channel() channel { return channel{f.Channel, f.Countries} }

func (f Factor) meter() meter {
	return meter{f.channel(), f.Rates.orDefault(), f.Limiter, f.Alarm}
}

// Day is what any text message to a number costs of what the house sends in a day,
// in all and to one country (SECURITY.md B-11), for those that are no codes. It
// fails with ErrCountry, or with what is wrong with the number.
func (f Factor) Day(to string) ([]mfa.Budget, error) {
	country, err := f.channel().country(to)
	return f.meter().day(country), err
}

// Sending says that Enroll and Ask send something.
func (Factor) Sending() {}

// Enroll sends a code to the subject's phone or e-mail address. Knowing it
// proves the address, and nothing else does (SECURITY.md M-16, T-14).
//
// ErrAddress, ErrHeld, ErrCountry; a [*mfa.LockedError] when it is too soon or
// too much; mfa.ErrUnsent.
func (f Factor) Enroll(ctx context.Context, s mfa.Subject, held []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	to, err := f.channel().address(s)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	for _, c := range held {
		if d, err := open(c); err == nil && d.To == to {
			return mfa.Prompt{}, nil, ErrHeld
		}
	}
	return f.send(ctx, s, state{Purpose: stateEnrolment, To: to})
}

// Confirm makes a credential of the address that the code went to.
func (f Factor) Confirm(ctx context.Context, s mfa.Subject, st mfa.State, a mfa.Answer) (mfa.Credential, error) {
	got, err := read(st, stateEnrolment)
	if err != nil {
		return mfa.Credential{}, err
	}
	if err := f.judge(ctx, s, got, a); err != nil {
		return mfa.Credential{}, err
	}
	return f.channel().credential(got.To)
}

// Ask sends a code to the address that was used last, or else to the newest.
// mfa.ErrNotHeld when none may be used; other errors are those of Enroll.
func (f Factor) Ask(ctx context.Context, s mfa.Subject, held []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	held = slices.Clone(held)
	slices.SortStableFunc(held, func(a, b mfa.Credential) int {
		if n := b.Used.Compare(a.Used); n != 0 {
			return n
		}
		return b.Created.Compare(a.Created)
	})
	for _, c := range held {
		d, err := open(c)
		if err != nil {
			return mfa.Prompt{}, nil, err
		}
		if to := f.channel().present(s, d.To); to != "" {
			return f.send(ctx, s, state{Purpose: stateAsks, Credential: c.ID, To: to})
		}
	}
	return mfa.Prompt{}, nil, fmt.Errorf("%w: %q", mfa.ErrNotHeld, f.Channel)
}

// Check accepts the code that Ask sent last, in time, from somebody who still
// holds the address that it went to.
func (f Factor) Check(ctx context.Context, s mfa.Subject, held []mfa.Credential, st mfa.State, a mfa.Answer) (mfa.Credential, error) {
	got, err := read(st, stateAsks)
	if err != nil {
		return mfa.Credential{}, err
	}
	i := slices.IndexFunc(held, func(c mfa.Credential) bool { return c.ID == got.Credential })
	if i < 0 {
		return mfa.Credential{}, mfa.ErrExpired // dropped since the code was sent
	}
	d, err := open(held[i])
	if err != nil {
		return mfa.Credential{}, err
	}
	if got.To == "" || f.channel().present(s, d.To) != got.To { // the address changed since
		return mfa.Credential{}, mfa.ErrExpired
	}
	return held[i], f.judge(ctx, s, got, a)
}

// Lend makes a credential of the subject's verified address.
func (f Factor) Lend(s mfa.Subject) (mfa.Credential, bool) {
	if f.Channel == Email && !s.EmailVerified || f.Channel == SMS && !s.PhoneVerified {
		return mfa.Credential{}, false
	}
	to, err := f.channel().address(s)
	if err != nil {
		return mfa.Credential{}, false
	}
	if _, err := f.channel().country(to); err != nil {
		return mfa.Credential{}, false
	}
	c, err := f.channel().credential(to)
	return c, err == nil
}

// Address is where the codes of a credential go; empty if it is none of ours.
func Address(c mfa.Credential) string {
	if c.Kind != SMS && c.Kind != Email {
		return ""
	}
	d, err := open(c)
	if err != nil {
		return ""
	}
	return d.To
}

// send makes a code and hands it to the courier, when every budget allows it.
func (f Factor) send(ctx context.Context, s mfa.Subject, st state) (mfa.Prompt, mfa.State, error) {
	if f.Courier == nil {
		return mfa.Prompt{}, nil, mfa.ErrUnsent
	}
	if err := f.meter().take(ctx, s, st.To, st.Purpose == stateEnrolment); err != nil {
		return mfa.Prompt{}, nil, err
	}
	now := f.Now()
	st.Digits, st.Network = min(max(s.Terms.Digits, leastDigits), mostDigits), s.Network
	until := now.Add(validity(s.Terms))
	code, err := newCode(st.Digits)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	st.Salt, st.Until = make([]byte, saltBytes), until.UnixMilli()
	_, _ = rand.Read(st.Salt) // never fails: see crypto/rand.Read
	st.Hash = f.hash(s, st, code)
	raw, err := json.Marshal(st)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	err = f.Courier.Send(ctx, Letter{Kind: f.Channel, To: st.To, Code: code, Digits: st.Digits, Until: until, Adding: st.Purpose == stateEnrolment, Subject: s})
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	return mfa.Prompt{
		Shape: mfa.ShapeCode, Digits: st.Digits, SentTo: f.channel().mask(st.To), Until: until, Again: now.Add(f.Rates.orDefault().Pause),
	}, raw, nil
}

func validity(t mfa.Terms) time.Duration {
	if t.Validity <= 0 {
		return usualValidity
	}
	return min(t.Validity, mostValid)
}

// newCode draws n digits, all codes equally likely.
func newCode(n int) (string, error) {
	all := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(rand.Reader, all)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", n, v), nil
}

// hash is of the code and of all that it is bound to. Each part has its length
// before it, so that no two lists of parts read alike.
func (f Factor) hash(s mfa.Subject, st state, code string) []byte {
	h := hmac.New(sha256.New, st.Salt)
	for _, part := range []string{string(f.Channel), st.Purpose, string(s.ID), string(st.Credential), st.To, code} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// judge fails with mfa.ErrExpired after the code's time, whatever the answer,
// and with mfa.ErrWrong unless the answer is the code. A code that would be
// good for longer than any may be was made before the clock was set back.
func (f Factor) judge(ctx context.Context, s mfa.Subject, st state, a mfa.Answer) error {
	left := time.UnixMilli(st.Until).Sub(f.Now())
	if left <= 0 || left > mostValid+skew {
		return mfa.ErrExpired
	}
	typed := digits(a.Code, st.Digits)
	right := hmac.Equal(st.Hash, f.hash(s, st, typed)) // constant time (T-02)
	if typed == "" || !right {
		return mfa.ErrWrong
	}
	return f.meter().giveBack(ctx, s, st)
}

// digits brings what people type to the one form that is compared: n ASCII
// digits, or nothing. Spaces and hyphens are how some messages group them.
func digits(input string, n int) string {
	if len(input) > maxInput {
		return ""
	}
	code := strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\u00a0':
			return -1
		}
		return r
	}, strings.TrimSpace(input))
	if len(code) != n || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code
}

func read(raw mfa.State, purpose string) (state, error) {
	var st state
	if err := json.Unmarshal(raw, &st); err != nil {
		return state{}, fmt.Errorf("code: state: %w", err)
	}
	if st.Purpose != purpose || st.To == "" || len(st.Hash) != sha256.Size {
		return state{}, fmt.Errorf("code: state: not of a code that was sent to %s", purpose)
	}
	return st, nil
}

func open(c mfa.Credential) (data, error) {
	var d data
	if err := json.Unmarshal(c.Data, &d); err != nil {
		return data{}, fmt.Errorf("code: credential %s: %w", c.ID, err)
	}
	return d, nil
}

package code_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/code"
	"latchkey/mfa/factortest"
)

// post keeps what would be sent.
type post struct {
	mu      sync.Mutex
	letters []code.Letter
	err     error
}

func (p *post) Send(_ context.Context, l code.Letter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.letters = append(p.letters, l)
	}
	return p.err
}

func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.letters)
}

func (p *post) last(t *testing.T) code.Letter {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.letters) == 0 {
		t.Fatal("nothing was sent")
	}
	return p.letters[len(p.letters)-1]
}

// many are rates that no test runs into.
var many = code.Rates{
	Pause: time.Millisecond, PersonHour: 1e6, PersonDay: 1e6, AddressHour: 1e6, AddressDay: 1e6, NetworkHour: 1e6, Daily: 1e6, UnconfirmedHour: 1e6, UnconfirmedDay: 1e6,
}

var (
	kinds = []mfa.Kind{code.SMS, code.Email}
	ada   = mfa.Subject{ID: "ada", Name: "ada", Email: "ada@example.org", EmailVerified: true, Phone: "+33612345678", PhoneVerified: true, Network: "192.0.2.7"}
	wrong = mfa.Answer{Code: "000000x"}
)

// house is one factor on a real database.
type house struct {
	code.Factor
	*post
	clock *storetest.Clock
}

func newHouse(t *testing.T, k mfa.Kind, rates code.Rates) house {
	t.Helper()
	clock, p := storetest.NewClock(), &post{}
	db := storetest.OpenAt(t, clock.Now)
	return house{code.Factor{Channel: k, Courier: p, Limiter: db.Limiter, Now: clock.Now, Rates: rates}, p, clock}
}

func TestContract(t *testing.T) {
	for _, k := range kinds {
		t.Run(string(k), func(t *testing.T) {
			h := newHouse(t, k, many)
			factortest.Run(t, factortest.Driver{
				Factor: ticking{h},
				Right: func(t *testing.T, _, now mfa.Prompt) mfa.Answer {
					h.mu.Lock()
					defer h.mu.Unlock()
					for i := len(h.letters) - 1; i >= 0; i-- {
						if l := h.letters[i]; masks[l.To] == now.SentTo {
							return mfa.Answer{Code: l.Code}
						}
					}
					t.Fatalf("nothing was sent to %s", now.SentTo)
					return mfa.Answer{}
				},
				Later: func() { h.clock.Pass(time.Second) },
			})
		})
	}
}

// masks of the contract's people.
var masks = map[string]string{
	"ada@example.org": "a•••@example.org", "bob@example.org": "b•••@example.org", "+4915112345678": "+49 •• •• •• 78", "+4915187654321": "+49 •• •• •• 21",
}

// ticking lets the shortest pause pass before each code.
type ticking struct{ house }

func (h ticking) Enroll(ctx context.Context, s mfa.Subject, held []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	h.clock.Pass(2 * time.Millisecond)
	return h.Factor.Enroll(ctx, s, held)
}

func (h ticking) Ask(ctx context.Context, s mfa.Subject, held []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	h.clock.Pass(2 * time.Millisecond)
	return h.Factor.Ask(ctx, s, held)
}

// lent asks ada by the address that is known of her.
func (h house) lent(t *testing.T, s mfa.Subject) []mfa.Credential {
	t.Helper()
	c, ok := h.Lend(s)
	if !ok {
		t.Fatal("nothing is lent")
	}
	c.ID, c.Subject = "lent", s.ID
	return []mfa.Credential{c}
}

// T-05: as many digits as policy says, at least six, from all of them, and
// good for as long as it says, at most ten minutes.
func TestTerms(t *testing.T) {
	for _, k := range kinds {
		h := newHouse(t, k, many)
		for _, c := range []struct {
			terms  mfa.Terms
			digits int
			valid  time.Duration
		}{
			{mfa.Terms{}, 6, 5 * time.Minute},
			{mfa.Terms{Digits: 8, Validity: time.Minute}, 8, time.Minute},
			{mfa.Terms{Digits: 4, Validity: time.Hour}, 6, 10 * time.Minute},
			{mfa.Terms{Digits: 99}, 10, 5 * time.Minute},
		} {
			s := ada
			s.Terms = c.terms
			held := h.lent(t, s)
			for _, at := range []struct {
				after time.Duration
				want  error
			}{{0, nil}, {c.valid - time.Second, nil}, {c.valid, mfa.ErrExpired}, {c.valid + time.Hour, mfa.ErrExpired}, {-30 * time.Second, nil}, {-time.Hour, mfa.ErrExpired}} {
				h.clock.Pass(time.Second)
				p, st, err := h.Ask(t.Context(), s, held)
				if err != nil {
					t.Fatal(err)
				}
				l := h.last(t)
				if p.Shape != mfa.ShapeCode || p.Digits != c.digits || len(l.Code) != c.digits || l.Digits != c.digits || !p.Until.Equal(h.clock.Now().Add(c.valid)) || !l.Until.Equal(p.Until) || !p.Again.After(h.clock.Now()) {
					t.Errorf("%+v: %+v, %+v", c.terms, p, l)
				}
				h.clock.Pass(at.after)
				if _, err := h.Check(t.Context(), s, held, st, mfa.Answer{Code: l.Code}); !errors.Is(err, at.want) {
					t.Errorf("%+v, after %v: %v, want %v", c.terms, at.after, err, at.want)
				}
				if at.want != nil {
					if _, err := h.Check(t.Context(), s, held, st, wrong); !errors.Is(err, at.want) {
						t.Errorf("%+v, wrong after %v: %v, want %v", c.terms, at.after, err, at.want)
					}
				}
				h.clock.Pass(-at.after)
			}
		}
	}
}

// Codes are drawn from all there are: each digit turns up at each place.
func TestCodesVary(t *testing.T) {
	h := newHouse(t, code.Email, many)
	held := h.lent(t, ada)
	var seen [6]map[byte]bool
	for i := range seen {
		seen[i] = map[byte]bool{}
	}
	for range 300 {
		h.clock.Pass(time.Second)
		if _, _, err := h.Ask(t.Context(), ada, held); err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			seen[i][h.last(t).Code[i]] = true
		}
	}
	for i, s := range seen {
		if len(s) != 10 {
			t.Errorf("place %d had only %d digits", i, len(s))
		}
	}
}

// T-06: a code is for one person, one purpose and one address; T-08: nothing
// that is kept or shown has it.
func TestBinding(t *testing.T) {
	for _, k := range kinds {
		h := newHouse(t, k, many)
		held := h.lent(t, ada)
		p, st, err := h.Ask(t.Context(), ada, held)
		if err != nil {
			t.Fatal(err)
		}
		right := mfa.Answer{Code: h.last(t).Code}
		if strings.Contains(string(st), right.Code) || strings.Contains(p.SentTo+p.Secret+p.URI, right.Code) {
			t.Errorf("the code is in %s or %+v", st, p)
		}
		bob := ada
		bob.ID = "bob"
		if _, err := h.Check(t.Context(), bob, held, st, right); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("for somebody else: %v", err)
		}
		if _, err := h.Confirm(t.Context(), ada, st, right); err == nil {
			t.Error("a code for signing in adds an address")
		}
		moved := ada
		moved.Email, moved.Phone = "ada@example.com", "+33687654321"
		if _, err := h.Check(t.Context(), moved, h.lent(t, moved), st, right); !errors.Is(err, mfa.ErrExpired) {
			t.Errorf("the address changed: %v", err)
		}
		if _, err := h.Check(t.Context(), ada, nil, st, right); !errors.Is(err, mfa.ErrExpired) {
			t.Errorf("dropped: %v", err)
		}
		for _, typed := range []string{right.Code[:3] + " " + right.Code[3:], right.Code[:3] + "-" + right.Code[3:], " " + right.Code + "\n"} {
			if _, err := h.Check(t.Context(), ada, held, st, mfa.Answer{Code: typed}); err != nil {
				t.Errorf("%q: %v", typed, err)
			}
		}
		h.clock.Pass(time.Second)
		_, st, err = h.Enroll(t.Context(), ada, nil)
		if err != nil {
			t.Fatal(err)
		}
		right = mfa.Answer{Code: h.last(t).Code}
		if _, err := h.Check(t.Context(), ada, held, st, right); err == nil {
			t.Error("a code for adding an address signs in")
		}
		if !h.last(t).Adding {
			t.Error("the letter does not say what the code is for")
		}
	}
}

// M-16: what is held is the address that was proven, shown masked.
func TestEnrolment(t *testing.T) {
	for _, c := range []struct {
		kind   mfa.Kind
		to     string
		masked string
	}{{code.SMS, "+33612345678", "+33 •• •• •• 78"}, {code.Email, "ada@example.org", "a•••@example.org"}} {
		h := newHouse(t, c.kind, many)
		p, st, err := h.Enroll(t.Context(), ada, nil)
		if err != nil || p.SentTo != c.masked || h.last(t).To != c.to {
			t.Fatalf("%+v, %v", p, err)
		}
		cred, err := h.Confirm(t.Context(), ada, st, mfa.Answer{Code: h.last(t).Code})
		if err != nil || cred.Label != c.masked {
			t.Fatalf("%+v, %v", cred, err)
		}
		h.clock.Pass(time.Second)
		if _, _, err := h.Enroll(t.Context(), ada, []mfa.Credential{cred}); !errors.Is(err, code.ErrHeld) {
			t.Errorf("the same address again: %v", err)
		}
		// T-14: codes by mail follow the account's verified address, texts do not.
		moved := ada
		moved.Email, moved.Phone = "ada@example.com", "+33687654321"
		_, _, err = h.Ask(t.Context(), moved, []mfa.Credential{cred})
		if want := map[mfa.Kind]string{code.Email: moved.Email, code.SMS: c.to}[c.kind]; err != nil || h.last(t).To != want {
			t.Errorf("%s, after the profile changed: %v, to %s", c.kind, err, h.last(t).To)
		}
		moved.EmailVerified = false
		h.clock.Pass(time.Hour)
		if _, _, err = h.Ask(t.Context(), moved, []mfa.Credential{cred}); c.kind == code.Email && !errors.Is(err, mfa.ErrNotHeld) {
			t.Errorf("to an address that is not verified: %v", err)
		}
	}
}

// Codes go to the number used last, or else to the newest.
func TestWhichNumber(t *testing.T) {
	h := newHouse(t, code.SMS, many)
	var held []mfa.Credential
	for i, number := range []string{"+33612345678", "+33687654321", "+33699999999"} {
		s := ada
		s.Phone = number
		_, st, err := h.Enroll(t.Context(), s, held)
		if err != nil {
			t.Fatal(err)
		}
		c, err := h.Confirm(t.Context(), s, st, mfa.Answer{Code: h.last(t).Code})
		if err != nil {
			t.Fatal(err)
		}
		h.clock.Pass(time.Minute)
		c.ID, c.Created = mfa.CredentialID(number), h.clock.Now()
		held = append([]mfa.Credential{c}, held...)
		if i == 1 {
			held[0].Created = h.clock.Now().Add(time.Hour) // the newest, in the middle
		}
	}
	ask := func(want string) {
		t.Helper()
		h.clock.Pass(time.Minute)
		if _, _, err := h.Ask(t.Context(), ada, held); err != nil || h.last(t).To != want {
			t.Errorf("to %s, %v; want %s", h.last(t).To, err, want)
		}
	}
	ask("+33687654321")
	held[2].Used = h.clock.Now()
	ask("+33612345678")
}

// Only verified addresses are lent, and numbers that take SMS.
func TestLend(t *testing.T) {
	sms, email := newHouse(t, code.SMS, many), newHouse(t, code.Email, many)
	for _, c := range []struct {
		s            mfa.Subject
		phone, email bool
	}{
		{ada, true, true},
		{mfa.Subject{Email: "a@example.org", Phone: "+33612345678"}, false, false},
		{mfa.Subject{PhoneVerified: true, EmailVerified: true}, false, false},
		{mfa.Subject{Phone: "0612345678", PhoneVerified: true}, false, false},
		{mfa.Subject{Phone: "+33899000000", PhoneVerified: true}, false, false}, // extra cost
		{mfa.Subject{Phone: "+331", PhoneVerified: true}, false, false},
	} {
		if _, ok := sms.Lend(c.s); ok != c.phone {
			t.Errorf("phone %q: %v", c.s.Phone, ok)
		}
		if _, ok := email.Lend(c.s); ok != c.email {
			t.Errorf("email %q: %v", c.s.Email, ok)
		}
	}
	for _, number := range []string{"", "0612345678", "+33899000000", "+33 6 12 34 56 78", "+1234", "junk", "+33612345678;ext=1"} {
		s := ada
		s.Phone = number
		if _, _, err := sms.Enroll(t.Context(), s, nil); !errors.Is(err, code.ErrAddress) {
			t.Errorf("%q: %v, want ErrAddress", number, err)
		}
	}
	if sms.count() != 0 {
		t.Error("something was sent")
	}
}

// Without a way to send, and when the courier cannot take it, there is no
// challenge.
func TestUnsent(t *testing.T) {
	h := newHouse(t, code.SMS, many)
	h.err = errors.New("full")
	if _, st, err := h.Enroll(t.Context(), ada, nil); err == nil || st != nil {
		t.Errorf("%s, %v", st, err)
	}
	f := h.Factor
	f.Courier = nil
	if _, _, err := f.Enroll(t.Context(), ada, nil); !errors.Is(err, mfa.ErrUnsent) {
		t.Error(err)
	}
}

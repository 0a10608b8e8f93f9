package temporary

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"latchkey/mfa"
	"latchkey/mfa/word"
)

var (
	now = time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC)
	ada = mfa.Subject{ID: "ada"}
)

// slow is a small argon2id that counts its calls.
type slow struct{ calls int }

func (s *slow) hash(_ context.Context, code, salt []byte) ([]byte, error) {
	s.calls++
	return argon2.IDKey(code, salt, 1, 64, 1, 32), nil
}

func issue(t *testing.T, uses int) (Factor, *slow, mfa.Credential, string) {
	t.Helper()
	s := &slow{}
	c, code, err := Issue(t.Context(), s.hash, now, time.Hour, uses)
	if err != nil {
		t.Fatal(err)
	}
	c.ID, c.Subject, c.Version = "c", ada.ID, 1
	return Factor{Hash: s.hash, Now: func() time.Time { return now }}, s, c, code
}

func (f Factor) try(t *testing.T, c mfa.Credential, code string) (mfa.Credential, error) {
	t.Helper()
	_, st, err := f.Ask(t.Context(), ada, []mfa.Credential{c})
	if err != nil {
		t.Fatal(err)
	}
	return f.Check(t.Context(), ada, []mfa.Credential{c}, st, mfa.Answer{Code: code})
}

// A-10, M-08: nobody makes a code for themselves.
func TestIssuedOnly(t *testing.T) {
	f, _, _, code := issue(t, 1)
	if _, _, err := f.Enroll(t.Context(), ada, nil); !errors.Is(err, mfa.ErrRefused) {
		t.Errorf("Enroll: %v", err)
	}
	for _, st := range []mfa.State{nil, mfa.State("{}"), mfa.State(`["` + code + `"]`)} {
		if _, err := f.Confirm(t.Context(), ada, st, mfa.Answer{Code: code, Kept: true}); !errors.Is(err, mfa.ErrRefused) {
			t.Errorf("Confirm: %v", err)
		}
	}
}

// short-lived, for a few uses, within hard bounds.
func TestBounds(t *testing.T) {
	s := &slow{}
	for _, c := range []struct {
		life time.Duration
		uses int
		ok   bool
	}{
		{time.Hour, 1, true}, {MaxLife, MaxUses, true}, {MaxLife + 1, 1, false}, {0, 1, false}, {-time.Hour, 1, false},
		{time.Hour, 0, false}, {time.Hour, -1, false}, {time.Hour, MaxUses + 1, false},
	} {
		got, _, err := Issue(t.Context(), s.hash, now, c.life, c.uses)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, mfa.ErrRefused) {
			t.Errorf("%v, %d uses: %v", c.life, c.uses, err)
		}
		if c.ok && (!got.Expires.Equal(now.Add(c.life)) || Left(got) != c.uses || got.Kind != Kind) {
			t.Errorf("%+v", got)
		}
	}
}

// T-10: 50 bits, kept as a salted slow hash only.
func TestHash(t *testing.T) {
	_, _, c, code := issue(t, 1)
	_, _, other, _ := issue(t, 1)
	if word.Read(code) == "" || len(code) != 11 || code[5] != '-' {
		t.Errorf("code %q", code)
	}
	if strings.Contains(string(c.Data), code) || strings.Contains(string(c.Data), word.Read(code)) {
		t.Error("the credential holds the code")
	}
	a, errA := open(c)
	b, errB := open(other)
	if errA != nil || errB != nil || len(a.Salt) < 16 || bytes.Equal(a.Salt, b.Salt) || bytes.Equal(a.Hash, b.Hash) {
		t.Errorf("%+v %+v", a, b)
	}
}

// T-09: so many uses and no more; after the last one it has expired.
func TestUses(t *testing.T) {
	f, _, c, code := issue(t, 3)
	for i := range 3 {
		if Left(c) != 3-i || !now.Before(c.Expires) {
			t.Fatalf("before use %d: %d left, until %v", i+1, Left(c), c.Expires)
		}
		before := bytes.Clone(c.Data)
		used, err := f.try(t, c, strings.ToUpper(code))
		if err != nil || used.ID != "c" || used.Version != 1 {
			t.Fatalf("use %d: %+v, %v", i+1, used, err)
		}
		if !bytes.Equal(before, c.Data) {
			t.Error("Check changed its arguments")
		}
		c = used
	}
	if Left(c) != 0 || now.Before(c.Expires) {
		t.Errorf("after the last use: %d left, until %v", Left(c), c.Expires)
	}
	c.Expires = now.Add(time.Hour) // whatever the store says of it
	if _, err := f.try(t, c, code); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a use too many: %v", err)
	}
}

func TestExpiry(t *testing.T) {
	f, _, c, code := issue(t, 1)
	f.Now = func() time.Time { return c.Expires }
	if _, err := f.try(t, c, code); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("at its end: %v", err)
	}
	f.Now = func() time.Time { return c.Expires.Add(-time.Millisecond) }
	if _, err := f.try(t, c, code); err != nil {
		t.Errorf("before its end: %v", err)
	}
}

// T-02, T-11: other people's codes, noise and broken rows are wrong, and what
// is no code costs no hash.
func TestWrong(t *testing.T) {
	f, s, c, code := issue(t, 1)
	_, _, _, foreign := issue(t, 1)
	if _, err := f.try(t, c, foreign); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("another person's code: %v", err)
	}
	s.calls = 0
	for _, in := range []string{"", " ", "000000", "\x00", code + "0", code[:10], "٠١٢٣٤٥٠١٢٣", "\xff\xfe", strings.Repeat("1", 1<<16)} {
		if _, err := f.try(t, c, in); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%.20q: %v", in, err)
		}
	}
	if s.calls != 0 {
		t.Errorf("%d hashes for what is no code", s.calls)
	}
	for _, held := range [][]mfa.Credential{nil, {}} {
		if _, err := f.Check(t.Context(), ada, held, nil, mfa.Answer{Code: code}); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("nothing held: %v", err)
		}
	}
	for _, junk := range []string{"", "{", "[]", "null", "{}", `{"left":1}`, `{"left":1,"hash":""}`} {
		broken := c
		broken.Data = []byte(junk)
		if _, err := f.try(t, broken, code); err == nil {
			t.Errorf("data %q was taken for a code", junk)
		}
	}
	f.Hash = func(context.Context, []byte, []byte) ([]byte, error) { return nil, nil }
	broken := c
	broken.Data = []byte(`{"left":1}`)
	if _, err := f.try(t, broken, code); err == nil {
		t.Error("no hash was taken for the right one")
	}
	busy := errors.New("busy")
	f.Hash = func(context.Context, []byte, []byte) ([]byte, error) { return nil, busy }
	if _, err := f.try(t, c, code); !errors.Is(err, busy) || errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a busy hasher: %v", err)
	}
}

// M-12: asked for, it shows nothing.
func TestAsk(t *testing.T) {
	f, _, c, _ := issue(t, 1)
	p, st, err := f.Ask(t.Context(), ada, []mfa.Credential{c})
	if err != nil || p.Shape != mfa.ShapeWord || p.Codes != nil || p.Secret != "" || len(st) != 0 {
		t.Errorf("%+v, %q, %v", p, st, err)
	}
}

package backup

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"latchkey/mfa"
	"latchkey/mfa/factortest"
	"latchkey/mfa/word"
)

// slow is a small argon2id that counts its calls.
type slow struct{ calls int }

func (s *slow) hash(_ context.Context, code, salt []byte) ([]byte, error) {
	s.calls++
	return argon2.IDKey(code, salt, 1, 64, 1, 32), nil
}

func newFactor() (Factor, *slow) {
	s := &slow{}
	return Factor{Hash: s.hash}, s
}

func TestContract(t *testing.T) {
	f, _ := newFactor()
	next := 0
	factortest.Run(t, factortest.Driver{
		Factor: f,
		Right: func(t *testing.T, kept, _ mfa.Prompt) mfa.Answer {
			return mfa.Answer{Code: kept.Codes[next%count]}
		},
		Later: func() { next++ },
	})
}

func enroll(t *testing.T, f Factor) (mfa.Credential, []string) {
	t.Helper()
	p, st, err := f.Enroll(t.Context(), mfa.Subject{ID: "ada"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Confirm(t.Context(), mfa.Subject{ID: "ada"}, st, mfa.Answer{Kept: true})
	if err != nil {
		t.Fatal(err)
	}
	c.ID = "set"
	return c, p.Codes
}

func (f Factor) try(t *testing.T, c mfa.Credential, code string) (mfa.Credential, error) {
	t.Helper()
	return f.Check(t.Context(), mfa.Subject{ID: "ada"}, []mfa.Credential{c}, nil, mfa.Answer{Code: code})
}

// T-09: ten codes, written so that they can be read back.
func TestCodes(t *testing.T) {
	f, _ := newFactor()
	p, _, err := f.Enroll(t.Context(), mfa.Subject{}, nil)
	if err != nil || len(p.Codes) != count || p.Shape != mfa.ShapeCodes {
		t.Fatalf("%+v, %v", p, err)
	}
	seen := map[string]bool{}
	for _, c := range p.Codes {
		if len(c) != 11 || c[5] != '-' || word.Read(c) == "" || seen[c] {
			t.Errorf("code %q", c)
		}
		seen[c] = true
	}
}

// T-09: each code is good once, and striking one leaves the others.
func TestEachOnce(t *testing.T) {
	f, _ := newFactor()
	c, codes := enroll(t, f)
	for i, code := range codes {
		if Left(c) != count-i {
			t.Errorf("%d left, want %d", Left(c), count-i)
		}
		used, err := f.try(t, c, code)
		if err != nil {
			t.Fatalf("code %d: %v", i, err)
		}
		c = used
		if _, err := f.try(t, c, code); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("code %d again: %v, want ErrWrong", i, err)
		}
	}
	if Left(c) != 0 {
		t.Errorf("%d left", Left(c))
	}
}

// T-10: what is kept is no code, is salted per set, and costs one hash a try.
func TestHashes(t *testing.T) {
	f, s := newFactor()
	one, codes := enroll(t, f)
	other, _ := enroll(t, f)
	for _, code := range codes {
		if strings.Contains(string(one.Data), strings.ReplaceAll(code, "-", "")) || strings.Contains(string(one.Data), code) {
			t.Error("the credential holds a code")
		}
	}
	var a, b data
	if err := errors.Join(json.Unmarshal(one.Data, &a), json.Unmarshal(other.Data, &b)); err != nil {
		t.Fatal(err)
	}
	if len(a.Salt) < 16 || slices.Equal(a.Salt, b.Salt) || len(a.Hashes) != count {
		t.Errorf("salts %x and %x, %d hashes", a.Salt, b.Salt, len(a.Hashes))
	}
	for _, code := range []string{codes[0], codes[9], "00000-00000"} {
		s.calls = 0
		_, _ = f.try(t, one, code)
		if s.calls != 1 {
			t.Errorf("a try cost %d hashes", s.calls)
		}
	}
	s.calls = 0
	if _, _, err := f.Enroll(t.Context(), mfa.Subject{}, nil); err != nil || s.calls != 0 {
		t.Errorf("a list that nobody confirmed cost %d hashes, %v", s.calls, err)
	}
}

// What is no code costs no hash: long input is not work.
func TestNoCodeNoHash(t *testing.T) {
	f, s := newFactor()
	c, codes := enroll(t, f)
	s.calls = 0
	for _, in := range []string{"", "123456", codes[0] + "0", codes[0][:10], strings.Repeat("a", 1<<20), codes[0][:9] + "ä", codes[0] + "\x00", codes[0][:10] + "u"} {
		if _, err := f.try(t, c, in); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%.20q: %v, want ErrWrong", in, err)
		}
	}
	if s.calls != 0 {
		t.Errorf("%d hashes", s.calls)
	}
}

// Codes are read off paper: case, grouping and look-alikes do not matter.
func TestSpelling(t *testing.T) {
	f, _ := newFactor()
	st, err := json.Marshal([]string{"01abcd1e0f"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Confirm(t.Context(), mfa.Subject{}, st, mfa.Answer{Kept: true})
	if err != nil {
		t.Fatal(err)
	}
	for in, right := range map[string]bool{
		"01abc-d1e0f": true, "01ABC-D1E0F": true, "OIABC DLEOF": true, "o l a b c d i e o f": true,
		"01abc\u00a0d1e0f": true, "01abcd1e0f": true, "01abcd1e0g": false, "01abcdue0f": false,
		"01abcd1e0ｆ": false, "01ab\u0441d1e0f": false,
	} {
		if _, err := f.try(t, c, in); right != (err == nil) {
			t.Errorf("%q: %v, want right = %v", in, err, right)
		}
	}
}

// M-07: the list is active only when the person says that it is kept, or shows
// that it is; a code shown is used.
func TestConfirm(t *testing.T) {
	f, _ := newFactor()
	p, st, err := f.Enroll(t.Context(), mfa.Subject{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []mfa.Answer{{}, {Code: "00000-00000"}, {Code: "00000-00000", Kept: true}} {
		if _, err := f.Confirm(t.Context(), mfa.Subject{}, st, a); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%+v: %v, want ErrWrong", a, err)
		}
	}
	c, err := f.Confirm(t.Context(), mfa.Subject{}, st, mfa.Answer{Code: strings.ToUpper(p.Codes[3])})
	if err != nil || Left(c) != count-1 {
		t.Fatalf("%d left, %v", Left(c), err)
	}
	if _, err := f.try(t, c, p.Codes[3]); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("the code that confirmed: %v, want ErrWrong", err)
	}
	if _, err := f.try(t, c, p.Codes[4]); err != nil {
		t.Errorf("another code: %v", err)
	}
}

// A hasher that is too busy is not a wrong answer.
func TestBusy(t *testing.T) {
	f, _ := newFactor()
	c, codes := enroll(t, f)
	busy := errors.New("busy")
	f.Hash = func(context.Context, []byte, []byte) ([]byte, error) { return nil, busy }
	if _, err := f.try(t, c, codes[0]); !errors.Is(err, busy) || errors.Is(err, mfa.ErrWrong) {
		t.Errorf("%v, want busy", err)
	}
}

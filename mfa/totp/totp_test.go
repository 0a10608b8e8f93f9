package totp

import (
	"encoding/base32"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	otptotp "github.com/pquerna/otp/totp"

	"latchkey/mfa"
	"latchkey/mfa/factortest"
)

// clock is a settable server clock.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) forward(d time.Duration) { c.now = c.now.Add(d) }

// noon is the start of a step.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func newFactor() (Factor, *clock) {
	c := &clock{now: noon}
	return Factor{Issuer: "Latchkey", Now: c.Now}, c
}

func TestContract(t *testing.T) {
	f, c := newFactor()
	factortest.Run(t, factortest.Driver{
		Factor: f,
		Right: func(t *testing.T, kept, _ mfa.Prompt) mfa.Answer {
			return mfa.Answer{Code: codeAt(t, kept.Secret, c.now)}
		},
		Later: func() { c.forward(30 * time.Second) },
	})
}

// codeAt is what an app with the usual settings shows.
func codeAt(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	code, err := otptotp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// imported is a credential without drift, and its secret.
func imported(t testing.TB, now time.Time) (mfa.Credential, string) {
	t.Helper()
	const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	c, err := FromSecret(secret, now)
	if err != nil {
		t.Fatal(err)
	}
	c.ID, c.Subject = "c1", "ada"
	return c, secret
}

func (f Factor) try(t *testing.T, c mfa.Credential, code string) (mfa.Credential, error) {
	t.Helper()
	return f.Check(t.Context(), mfa.Subject{ID: "ada"}, []mfa.Credential{c}, nil, mfa.Answer{Code: code})
}

// An app two steps ahead cannot be added at all.
func TestConfirmBounds(t *testing.T) {
	f, c := newFactor()
	p, st, err := f.Enroll(t.Context(), mfa.Subject{ID: "ada"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{-2, 2} {
		code := codeAt(t, p.Secret, c.now.Add(time.Duration(steps)*30*time.Second))
		if _, err := f.Confirm(t.Context(), mfa.Subject{}, st, mfa.Answer{Code: code}); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%+d steps: %v, want ErrWrong", steps, err)
		}
	}
}

// T-01: the code that confirmed an app is used.
func TestConfirmBurnsItsStep(t *testing.T) {
	f, c := newFactor()
	p, st, err := f.Enroll(t.Context(), mfa.Subject{ID: "ada"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	code := codeAt(t, p.Secret, c.now)
	cred, err := f.Confirm(t.Context(), mfa.Subject{}, st, mfa.Answer{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.try(t, cred, code); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("%v, want ErrWrong", err)
	}
}

// T-02: separators that apps show are no part of the code; anything else is no
// code.
func TestInput(t *testing.T) {
	f, c := newFactor()
	cred, secret := imported(t, c.now)
	code := codeAt(t, secret, c.now)
	for in, right := range map[string]bool{
		code:                              true,
		code[:3] + " " + code[3:]:         true,
		" " + code[:3] + "-" + code[3:]:   true,
		code[:3] + "\u00a0" + code[3:]:    true,
		code + "\x00":                     false,
		code + "\n":                       false,
		"\t" + code:                       false,
		"+" + code:                        false,
		code[:5]:                          false,
		code + "0":                        false,
		"0" + code:                        false,
		code + strings.Repeat(" ", 64):    false,
		code + code:                       false,
		arabic(code):                      false,
		code[:3] + "\u200b" + code[3:]:    false,
		"":                                false,
		strings.Repeat(" ", 6):            false,
		code[:5] + string(rune(0xff10+2)): false,
	} {
		_, err := f.try(t, cred, in)
		if right != (err == nil) || !right && !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%q: %v, want right = %v", in, err, right)
		}
	}
}

func arabic(code string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '٠' }, code)
}

// T-04: at least 160 bits, never twice the same.
func TestSecrets(t *testing.T) {
	f, _ := newFactor()
	seen := map[string]bool{}
	for range 100 {
		p, _, err := f.Enroll(t.Context(), mfa.Subject{ID: "ada", Name: "ada"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(p.Secret)
		if err != nil || len(raw)*8 < 160 || seen[p.Secret] {
			t.Fatalf("secret %q: %v", p.Secret, err)
		}
		seen[p.Secret] = true
	}
}

// Names that would end the label or the query early reach the app whole.
func TestAddress(t *testing.T) {
	f, _ := newFactor()
	f.Issuer = "Müller & Co: 100% / ERP?"
	p, _, err := f.Enroll(t.Context(), mfa.Subject{Name: "ada+erp@example.org?secret=AAAA&x"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(p.URI)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || strings.Contains(p.URI, "+") {
		t.Errorf("address %s", p.URI)
	}
	if want := "/Müller & Co 100% / ERP?:ada+erp@example.org?secret=AAAA&x"; u.Path != want {
		t.Errorf("label %q, want %q", u.Path, want)
	}
	for key, want := range map[string]string{"secret": p.Secret, "issuer": "Müller & Co 100% / ERP?", "algorithm": "SHA1", "digits": "6", "period": "30"} {
		if got := u.Query()[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	if key, err := otp.NewKeyFromURL(p.URI); err != nil || key.Secret() != p.Secret || p.Shape != mfa.ShapeScan {
		t.Errorf("an app reads %v, %v from it; shape %s", key, err, p.Shape)
	}
}

// Apps of other systems go on working, whatever their settings.
func TestImport(t *testing.T) {
	f, c := newFactor()
	const secret = "gezd gnbv gy3t qojq-gezdgnbvgy3tqojq===="
	for _, s := range []Settings{
		{},
		{Algorithm: "sha256", Digits: 8},
		{Algorithm: "SHA512", Digits: 7, Period: 60},
	} {
		s.Secret = secret
		cred, err := Import(s, c.now)
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.data()
		if err != nil {
			t.Fatal(err)
		}
		code, err := hotp.GenerateCodeCustom("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", uint64(c.now.Unix()/d.Period), hotp.ValidateOpts{Digits: otp.Digits(d.Digits), Algorithm: algorithms[d.Algorithm]})
		if err != nil {
			t.Fatal(err)
		}
		if len(code) != d.Digits {
			t.Fatalf("code %q", code)
		}
		if _, err := f.try(t, cred, code); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		p, _, err := f.Ask(t.Context(), mfa.Subject{}, []mfa.Credential{cred})
		if err != nil || p.Digits != d.Digits || p.Shape != mfa.ShapeCode {
			t.Errorf("Ask: %+v, %v", p, err)
		}
	}
	for _, s := range []Settings{
		{Secret: ""}, {Secret: "false"}, {Secret: "JBSWY3DP"}, {Secret: "0189"}, {Secret: strings.Repeat("A", 4096)},
		{Secret: secret, Algorithm: "MD5"}, {Secret: secret, Digits: 5}, {Secret: secret, Digits: 9},
		{Secret: secret, Period: 1}, {Secret: secret, Period: -30}, {Secret: secret, Period: 3600},
	} {
		if _, err := Import(s, c.now); !errors.Is(err, ErrSecret) {
			t.Errorf("%.60v: %v, want ErrSecret", s, err)
		}
	}
}

// RFC 6238, appendix B: the published codes at their times.
func TestVectors(t *testing.T) {
	seed := func(n int) string {
		return encoding.EncodeToString([]byte(strings.Repeat("1234567890", 7)[:n]))
	}
	for _, v := range []struct {
		at        int64
		algorithm string
		bytes     int
		code      string
	}{
		{59, "SHA1", 20, "94287082"}, {59, "SHA256", 32, "46119246"}, {59, "SHA512", 64, "90693936"},
		{1111111109, "SHA1", 20, "07081804"}, {1111111109, "SHA256", 32, "68084774"}, {1111111109, "SHA512", 64, "25091201"},
		{20000000000, "SHA1", 20, "65353130"}, {20000000000, "SHA256", 32, "77737706"}, {20000000000, "SHA512", 64, "47863826"},
	} {
		now := time.Unix(v.at, 0)
		cred, err := Import(Settings{Secret: seed(v.bytes), Algorithm: v.algorithm, Digits: 8}, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (Factor{Now: func() time.Time { return now }}).try(t, cred, v.code); err != nil {
			t.Errorf("%d %s: %v", v.at, v.algorithm, err)
		}
	}
}

// Of several apps each one is good, and only the used one remembers.
func TestSeveralApps(t *testing.T) {
	f, c := newFactor()
	one, _ := imported(t, c.now)
	other, err := Import(Settings{Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Digits: 8}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	other.ID = "c2"
	held := []mfa.Credential{one, other}
	p, _, err := f.Ask(t.Context(), mfa.Subject{}, held)
	if err != nil || p.Digits != 0 {
		t.Errorf("Ask for 6 or 8 digits shows %d, %v", p.Digits, err)
	}
	code, err := otptotp.GenerateCodeCustom("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", c.now, otptotp.ValidateOpts{Period: 30, Digits: 8})
	if err != nil {
		t.Fatal(err)
	}
	used, err := f.Check(t.Context(), mfa.Subject{}, held, nil, mfa.Answer{Code: code})
	if err != nil || used.ID != "c2" || string(used.Data) == string(other.Data) {
		t.Errorf("used %s, %v", used.ID, err)
	}
	if string(held[0].Data) != string(one.Data) || string(held[1].Data) != string(other.Data) {
		t.Error("Check changed what was held")
	}
}

func FuzzCode(f *testing.F) {
	now := noon
	cred, secret := imported(f, now)
	code := codeAt(f, secret, now)
	previous := codeAt(f, secret, now.Add(-30*time.Second))
	factor := Factor{Now: func() time.Time { return now }}
	for _, s := range []string{code, code[:3] + " " + code[3:], "", "\x00", "٠١٢٣٤٥", "1-2-3-4-5-6", strings.Repeat("1", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		used, err := factor.Check(t.Context(), mfa.Subject{}, []mfa.Credential{cred}, nil, mfa.Answer{Code: in})
		bare := strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(in)
		right := len(in) <= maxInput && (bare == code || bare == previous)
		if right != (err == nil) {
			t.Fatalf("%q: %v, want right = %v", in, err, right)
		}
		if err != nil && !errors.Is(err, mfa.ErrWrong) {
			t.Fatalf("%q: %v, want ErrWrong", in, err)
		}
		if err == nil && !json.Valid(used.Data) {
			t.Fatalf("%q leaves %q", in, used.Data)
		}
	})
}

package policy

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/mfa"
)

// legal makes policies that a file can say, with names that YAML could take for
// something else.
func (r dice) legal(name string) Policy {
	words := []string{"a", "yes", "null", "0x1F", "1e3", "2027-01-31", "a: b", "- a", "#a", "a #b", "'", `"`, "{a}", "[", "&a", "*a", "!a", "|", ">", "%a", "@", "`", "~", "\\n", "é ü", "a,b", "10:30", "=", "<<", "?", ": ", "ok:", "𝔘", "\u200d", "."}
	word := func() string { return strings.TrimSpace(one(r, words...)) }
	p := Policy{Name: name + word(), Enabled: r.once(2), Whom: Whom{Everyone: true}}
	if r.once(2) {
		p.Whom = Whom{Kind: one(r, "", "internal", "portal"), Administrators: r.once(2), Groups: []string{word(), word()}, Users: one(r, nil, []string{word()})}
	}
	if r.once(2) {
		p.Whom.Except = []Except{{User: word(), Until: r.day()}}
	}
	p.Where.Clients = one(r, nil, []string{word(), word()})
	p.Where.Networks.In = one(r, nil, nets("10.0.0.0/8", "::/0"))
	p.Where.Networks.NotIn = one(r, nil, nets("2001:db8::/32"), nets("fe80::1/128"))
	w := What{Assurance: one(r, None, MFA, PhishingResistant), Methods: r.kinds("totp", "sms", "backup")}
	w.Enrolment = one(r, Enrolment{}, Enrolment{Deadline: r.day()}, Enrolment{GraceDays: 1 + r.IntN(365)})
	if r.once(2) {
		w.Devices = &Devices{Days: r.IntN(366)}
	}
	seconds := func(least, most int) time.Duration {
		return one(r, 0, time.Duration(least+r.IntN(most-least+1))*time.Second)
	}
	w.Session = Session{Absolute: seconds(86400, 2592000), Idle: seconds(60, 86400)}
	w.Codes = Codes{Validity: seconds(60, 600), Digits: one(r, 0, 6, 10), Tries: r.IntN(11)}
	w.Passkeys = Passkeys{Clones: one(r, "", "warn", "refuse"), Attestation: one(r, "", "none", "required"), Models: one(r, nil, []string{"cb69481e-8ff7-4039-93ec-0a2729a154a8", "00000000-0000-0000-0000-000000000001"})}
	w.Lock = one(r, "", "soft", "hard")
	w.Banner = one(r, nil, map[string]string{"en": word(), "pt-BR": word() + word(), "no": "x" + word()})
	p.What = w
	return p
}

func TestFormatIsReadBack(t *testing.T) {
	r := dice{rand.New(rand.NewPCG(7, 8))}
	for range 3000 {
		var want []Policy
		for i := range 1 + r.IntN(3) {
			want = append(want, r.legal(string(rune('a'+i))))
		}
		text, err := Format(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n got %+v\nwant %+v\n%s", err, got, want, text)
		}
	}
}

// What an older version stored reads as it was meant, and what is stored today
// reads back.
func TestStoredForm(t *testing.T) {
	var old Policy
	err := json.Unmarshal([]byte(`{"id":"X","name":"p","enabled":true,"whom":{"kind":"portal","except":[{"user":"u","until":"2027-01-31"}]},"what":{"assurance":"mfa","methods":["totp"]}}`), &old)
	want := Policy{ID: "X", Name: "p", Enabled: true, Whom: Whom{Kind: "portal", Except: []Except{{"u", "2027-01-31"}}}, What: What{Assurance: MFA, Methods: []mfa.Kind{"totp"}}}
	if err != nil || !reflect.DeepEqual(old, want) {
		t.Errorf("%v\n%+v", err, old)
	}
	if d := Decide([]Policy{old}, Facts{Kind: "portal", Client: "any", Address: netip.MustParseAddr("192.0.2.1"), Now: now}); !d.Demands() {
		t.Errorf("%+v", d)
	}
	plain, err := json.Marshal(want)
	if err != nil || strings.Contains(string(plain), "where") || strings.Contains(string(plain), "session") {
		t.Errorf("an older version would meet keys that mean nothing: %s, %v", plain, err)
	}
	long := Policy{Name: "p", What: What{Session: Session{Absolute: 12 * time.Hour}, Codes: Codes{Validity: 90 * time.Second}}}
	if text, err := json.Marshal(long); err != nil || !strings.Contains(string(text), `"session":{"absolute":"12h"},"codes":{"validity":"1m30s"}`) {
		t.Errorf("%s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"what":{"session":{"idle":"soon"}}}`), new(Policy)); err == nil {
		t.Error("a limit that cannot be read is lost in silence")
	}
	r := dice{rand.New(rand.NewPCG(9, 10))}
	for range 500 {
		p := r.legal("p")
		p.ID = "X"
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got Policy
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, p) {
			t.Fatalf("%v\n got %+v\nwant %+v\n%s", err, got, p, text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("policies: []")
	f.Add("policies:\n- name: a\n  whom: {everyone: true}\n  what: {assurance: none}")
	f.Add("policies: [{name: a, whom: {kind: portal}, where: {networks: {in: [\"::/0\"]}}, what: {session: pci, banner: {en: x, sl-rozaj-biske: y}}}]")
	f.Add("a: &a [*a]")
	f.Add("policies: {<<: *x}")
	f.Fuzz(func(t *testing.T, text string) {
		ps, err := Parse([]byte(text))
		if err != nil {
			var ms Mistakes
			if !errors.As(err, &ms) || len(ms) == 0 || ps != nil {
				t.Fatalf("%v, %v", ps, err)
			}
			return
		}
		out, err := Format(ps)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil || len(ps)+len(again) > 0 && !reflect.DeepEqual(ps, again) {
			t.Fatalf("%v\n%+v\n%+v\n%s", err, ps, again, out)
		}
		Decide(ps, Facts{Now: now})
	})
}

// Whatever a database holds, deciding ends, and the more is broken the less
// gets in: a second factor is demanded where somebody tried to demand one.
func FuzzStored(f *testing.F) {
	f.Add(`{"enabled":true,"whom":{"everyone":true},"what":{"assurance":"strong"}}`, int64(0))
	f.Add(`{"enabled":true,"whom":{"everyone":true,"except":[{"user":"u","until":"2026-12-31"}]},"what":{"enrolment":{"grace_days":-1},"trusted_devices":{"days":-5}}}`, int64(1))
	f.Add(`{"enabled":true,"where":{"networks":{"in":[""]}},"what":{"assurance":"mfa","enrolment":{"deadline":"9999-99-99","grace_days":400},"session":{"absolute":"-1s"}}}`, int64(1)<<60)
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		var p Policy
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		f := Facts{User: "u", Kind: "internal", Groups: []string{"g"}, Address: netip.MustParseAddr("192.0.2.1"), Now: now.Add(time.Duration(seconds))}
		d := Decide([]Policy{p}, f)
		if len(d.Ahead) > 3 {
			t.Fatalf("%d deadlines of one policy", len(d.Ahead))
		}
		if d.TrustDays < 0 || d.TrustDays > 365 || d.Session.Absolute < 0 || d.Terms.Digits < 0 || d.Terms.Digits > 10 || d.Terms.Validity > 10*time.Minute {
			t.Fatalf("%+v", d)
		}
		// A demand that holds is made, or there is a day on which it will be.
		if p.concerns(&f) && p.What.Assurance.rank() > 0 && !d.Demands() && len(d.Ahead) == 0 {
			t.Fatalf("%+v demands nothing: %+v", p, d)
		}
	})
}

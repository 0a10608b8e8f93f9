package policy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// inOrder lists methods as a form does.
func inOrder(p *Policy) {
	var out = p.What.Methods[:0:0]
	for _, m := range methods {
		if slices.Contains(p.What.Methods, m.kind) {
			out = append(out, m.kind)
		}
	}
	p.What.Methods = out
}

// What a form shows is what it sends back, and what a file says.
func TestFormIsReadBack(t *testing.T) {
	r := dice{rand.New(rand.NewPCG(11, 12))}
	seen := map[string]int{}
	for range 3000 {
		want := r.legal("p")
		inOrder(&want)
		v, err := ValuesOf(want)
		if err != nil {
			t.Fatal(err)
		}
		for k, text := range v {
			if seen[k]++; text == "" {
				t.Fatalf("%s is there and says nothing", k)
			}
		}
		got, err := v.Policy()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n got %+v\nwant %+v\n%q", err, got, want, v)
		}
		file, err := Format([]Policy{got})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(file); err != nil || !reflect.DeepEqual(again[0], want) {
			t.Fatalf("%v\n%s", err, file)
		}
	}
	// The table knows every key that a file can have, and no other.
	for _, f := range fields {
		if f.Input == Texts {
			f.Key += ".en"
		}
		if seen[f.Key] == 0 {
			t.Errorf("no file says %s", f.Key)
		}
		delete(seen, f.Key)
	}
	for k := range seen {
		if !strings.HasPrefix(k, "what.banner.") {
			t.Errorf("the table lacks %s", k)
		}
	}
}

func TestFormNamesEachMistake(t *testing.T) {
	right := func() Values {
		return Values{"name": "p", "enabled": "true", "whom.everyone": "true", "what.assurance": "mfa"}
	}
	for _, c := range []struct {
		change Values
		key    string
		item   int
		inner  string
	}{
		{Values{"name": ""}, "name", 0, ""},
		{Values{"name": "a\nb"}, "name", 0, ""},
		{Values{"whom.everyone": ""}, "whom", 0, ""},
		{Values{"whom.kind": "portal"}, "whom", 0, ""},
		{Values{"whom.everyone": "", "whom.kind": "martian"}, "whom.kind", 0, ""},
		{Values{"whom.everyone": "", "whom.groups": "fine\r\n\r\n" + strings.Repeat("x", 300)}, "whom.groups", 2, ""},
		{Values{"whom.except": "a@b.c\t2027-01-31\nd@e.f\tsoon"}, "whom.except", 2, "until"},
		{Values{"whom.except": "\t2027-01-31"}, "whom.except", 1, "user"},
		{Values{"whom.except": "a@b.c"}, "whom.except", 1, "until"},
		{Values{"where.networks.in": "10.0.0.1/8"}, "where.networks.in", 1, ""},
		{Values{"what.assurance": ""}, "what", 0, ""},
		{Values{"what.assurance": "strong"}, "what.assurance", 0, ""},
		{Values{"what.methods": "totp\npigeon"}, "what.methods", 2, ""},
		{Values{"what.methods": "temporary"}, "what.methods", 1, ""},
		{Values{"what.enrolment.deadline": "2027-02-30"}, "what.enrolment.deadline", 0, ""},
		{Values{"what.enrolment.deadline": "2027-02-03", "what.enrolment.grace_days": "3"}, "what.enrolment", 0, ""},
		{Values{"what.assurance": "", "what.trusted_devices.days": "3", "what.enrolment.grace_days": "3"}, "what.enrolment", 0, ""},
		{Values{"what.trusted_devices.days": "366"}, "what.trusted_devices.days", 0, ""},
		{Values{"what.session.absolute": "1h", "what.session.idle": "2h"}, "what.session.idle", 0, ""},
		{Values{"what.codes.tries": "many"}, "what.codes.tries", 0, ""},
		{Values{"what.lock": "iron"}, "what.lock", 0, ""},
		{Values{"what.banner.klingon!": "x"}, "what.banner.klingon!", 0, ""},
		{Values{"what.banner.en": "a\nb"}, "what.banner.en", 0, ""},
		{Values{"what.passkeys.models": "yubikey"}, "what.passkeys.models", 1, ""},
	} {
		t.Run(fmt.Sprint(c.change), func(t *testing.T) {
			v := right()
			for k, text := range c.change {
				v[k] = text
			}
			_, err := v.Policy()
			var ms Mistakes
			if !errors.As(err, &ms) || !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			for _, m := range ms {
				if key, item, inner := m.Field(); key == c.key && item == c.item && inner == c.inner {
					return
				}
			}
			t.Errorf("%+v", ms)
		})
	}
	if _, err := right().Policy(); err != nil {
		t.Error(err)
	}
}

// No text in a form is taken for a key of the file.
func FuzzForm(f *testing.F) {
	f.Add("name", "p\nenabled: false", "a")
	f.Add("whom.groups", "a\nb: {c", "- x")
	f.Fuzz(func(t *testing.T, key, value, banner string) {
		v := Values{"name": "p", "whom.everyone": "true", "what.assurance": "mfa", "what.banner.en": banner}
		v[key] = value
		p, err := v.Policy()
		if err != nil {
			return
		}
		back, err := ValuesOf(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.Policy()
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%v\n%+v\n%+v", err, p, again)
		}
	})
}

// N-06: whatever of a hard lock cannot be read is one.
func TestHardLock(t *testing.T) {
	all := Whom{Everyone: true}
	for lock, want := range map[string]bool{"": false, "soft": false, "hard": true, "iron": true} {
		d := Decide([]Policy{{Name: "p", Enabled: true, Whom: all, What: What{Lock: lock}}, {Name: "q", Enabled: true, Whom: all, What: What{Lock: "soft"}}}, Facts{Now: now})
		if d.HardLock != want || want != slices.Contains(d.Reasons, Reason{"p", "lock", "hard"}) {
			t.Errorf("%q: %+v", lock, d)
		}
	}
}

package policy

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/mfa"
)

const good = `# who needs what
policies:
  - name: portal-needs-second-factor
    enabled: true
    whom:  {everyone: true, except: [{user: x@y.z, until: 2027-01-31}]}
    what:
      assurance: mfa   # none | mfa | phishing-resistant
      methods: [totp, passkey, sms, email, backup]
  - name: "2027"
    enabled: false
    whom:
      kind: internal
      groups: [accounting, 42]
      users:
        - a@b.c
    what: {methods: [totp]}
  - {name: short, whom: {kind: portal}, what: {assurance: phishing-resistant}}
`

func TestParse(t *testing.T) {
	want := []Policy{
		{Name: "portal-needs-second-factor", Enabled: true,
			Whom: Whom{Everyone: true, Except: []Except{{User: "x@y.z", Until: "2027-01-31"}}},
			What: What{MFA, []mfa.Kind{"totp", "passkey", "sms", "email", "backup"}}},
		{Name: "2027",
			Whom: Whom{Kind: "internal", Groups: []string{"accounting", "42"}, Users: []string{"a@b.c"}},
			What: What{Methods: []mfa.Kind{"totp"}}},
		{Name: "short", Enabled: true, Whom: Whom{Kind: "portal"}, What: What{Assurance: PhishingResistant}},
	}
	got, err := Parse([]byte(good))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v\n got %+v\nwant %+v", err, got, want)
	}
	text, err := Format(got)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(text); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("what Format wrote reads as %v\n%+v\n%s", err, again, text)
	}
}

// One file with every kind of mistake: all of them are told, with their lines.
func TestParseTellsAllMistakes(t *testing.T) {
	_, err := Parse([]byte(`version: 2
policies:
  - name: one
    whom: {everyone: true, kind: portal}
    where: {clients: [odoo]}
    what:
      assurance: strong
      methods: [totp, telepathy]
      enrolment: {mode: immediate}
      trusted_devices: {days: 30}
      session: {absolute: 12h}
      codes: {digits: 6}
      banner: {en: hello}
  - name: one
    enabled: maybe
    whom: {kind: customer, groups: accounting, users: [], except: [{user: bob}, {until: soon, user: " bob"}]}
    what: {}
  - name: &n three
    whom: {}
    what: {methods: [], methods: [totp]}
    extra: 1
  - whom: *n
    what: [totp]
  - 5
`))
	var ms Mistakes
	if !errors.As(err, &ms) || !errors.Is(err, ErrInvalid) {
		t.Fatalf("%v", err)
	}
	want := []string{
		`line 1: version: is no key here; these are: policies`,
		`line 4: policies[1].whom: everyone: true leaves no room for kind, groups, users`,
		`line 5: policies[1].where: is not offered by this version`,
		`line 7: policies[1].what.assurance: "strong": must be one of none, mfa, phishing-resistant`,
		`line 8: policies[1].what.methods[2]: "telepathy": must be one of totp, passkey, sms, email, backup`,
		`line 9: policies[1].what.enrolment: is not offered by this version`,
		`line 10: policies[1].what.trusted_devices: is not offered by this version`,
		`line 11: policies[1].what.session: is not offered by this version`,
		`line 12: policies[1].what.codes: is not offered by this version`,
		`line 13: policies[1].what.banner: is not offered by this version`,
		`line 15: policies[2].enabled: "maybe": must be true or false`,
		`line 14: policies[2].name: "one": the policy in line 3 has this name, too`,
		`line 16: policies[2].whom.kind: "customer": must be one of internal, portal`,
		`line 16: policies[2].whom.groups: "accounting": must be a list`,
		`line 16: policies[2].whom.users: must name at least one`,
		`line 16: policies[2].whom.except[1].until: is missing`,
		`line 16: policies[2].whom.except[2].until: "soon": must be a day such as 2027-01-31`,
		`line 16: policies[2].whom.except[2].user: " bob": must be one line of 1 to 256 characters, with no space at its ends`,
		`line 17: policies[2].what: must say assurance or methods`,
		`line 18: policies[3].name: "&": must be a text`,
		`line 19: policies[3].whom: must say everyone: true, kind, groups or users`,
		`line 20: policies[3].what.methods: must name at least one of totp, passkey, sms, email, backup`,
		`line 20: policies[3].what.methods: is said twice`,
		`line 21: policies[3].extra: is no key here; these are: name, enabled, whom, what`,
		`line 22: policies[4].whom: "*": must be a list of keys: everyone, kind, groups, users, except`,
		`line 23: policies[4].what: "[": must be a list of keys: assurance, methods`,
		`line 22: policies[4].name: is missing`,
		`line 24: policies[5]: "5": must be a list of keys: name, enabled, whom, what`,
	}
	var got []string
	for i, m := range ms {
		got = append(got, m.String())
		if i > 0 && m.Line < ms[i-1].Line {
			t.Errorf("line %d comes after line %d", m.Line, ms[i-1].Line)
		}
	}
	for _, w := range want {
		if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+w+"\n") {
			t.Errorf("not told: %s", w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d mistakes, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
}

func TestParseNoPolicyFile(t *testing.T) {
	for _, text := range []string{
		"", "#", "\t", "policies", "policies:", "policies: 5", "policies: {}", "- a", "a: [", "policies: []\n---\npolicies: []",
		"policies: [}", "? a\n: b", "\x00", "\xff\xfe", "policies: !!seq []x", "<<: {policies: []}", "policies:\n  - name: a\n   whom: b",
		strings.Repeat("[", 1<<17), strings.Repeat("{a: ", 1<<15), strings.Repeat("- ", 1<<16), strings.Repeat("? ", 1<<16),
		strings.Repeat("! ", 1<<16), strings.Repeat("!a ", 1<<16), strings.Repeat("a: ", 1<<16), strings.Repeat("&a ", 1<<16), strings.Repeat("[ #]\n", 1<<15), "{" + strings.Repeat("a: ", 1<<16), "{" + strings.Repeat("a:\n", 1<<16), "policies: " + strings.Repeat("- ", 1<<16), "policies: []" + strings.Repeat("#", maxFile), nested(2000),
	} {
		begun := time.Now()
		ps, err := Parse([]byte(text))
		if !errors.Is(err, ErrInvalid) || ps != nil {
			t.Errorf("%.30q: %v, %v; want ErrInvalid", text, ps, err)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%.30q took %v", text, took)
		}
	}
	many := "policies:\n- {name: a, what: {assurance: mfa}, whom: {users: [" + strings.Repeat("jean-luc.o-brien@my-company.example, ", 2000) + "x], " +
		"except: [" + strings.Repeat("{user: x, until: 2027-01-31}, ", 600) + "]}}"
	if ps, err := Parse([]byte(many)); err != nil || len(ps[0].Whom.Users) != 2001 {
		t.Errorf("a long list of people: %v", err)
	}
	if ps, err := Parse([]byte("policies: []")); err != nil || len(ps) != 0 {
		t.Errorf("no policies: %v, %v", ps, err)
	}
}

// nested is a mapping in a mapping in a mapping.
func nested(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
		if b.Len() > maxFile-n {
			break
		}
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("policies: []")
	f.Add("policies:\n- name: a\n  whom: {everyone: true}\n  what: {assurance: none}")
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
		Decide(ps, Facts{})
	})
}

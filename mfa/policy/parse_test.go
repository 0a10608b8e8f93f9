package policy

import (
	"errors"
	"net/netip"
	"os"
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
  - name: everything
    whom: {everyone: true}
    where: {clients: [odoo, my shop], networks: {in: [0.0.0.0/0, "2001:db8::/32"], not_in: [10.0.0.0/8]}}
    what:
      assurance: mfa
      enrolment: {deadline: 2027-03-01}
      trusted_devices: {days: 30}
      session: {absolute: 12h, idle: 90s}
      codes: {validity: 5m, digits: 8, tries: 3}
      passkeys: {clones: refuse, attestation: required, models: [CB69481E-8ff7-4039-93ec-0a2729a154a8]}
      banner: {en: "Soon: a second factor # for all", fr: "Bientôt, 100 % d’entre vous", pt-br: 'yes'}
  - {name: at-once, whom: {everyone: true}, what: {methods: [totp], enrolment: {mode: immediate}, trusted_devices: {days: 0}, session: pci}}
  - {name: grace, whom: {everyone: true}, where: {clients: [odoo]}, what: {assurance: mfa, enrolment: {grace_days: 14}, session: staff}}
  - {name: portal, whom: {kind: portal}, where: {networks: {in: [192.0.2.7/32]}}, what: {session: portal}}
  - {name: admins, whom: {administrators: true}, what: {assurance: phishing-resistant, enrolment: {grace_days: 14}}}
  - {name: admins-or-board, whom: {administrators: true, groups: [board]}, what: {assurance: mfa}}
`

func TestParse(t *testing.T) {
	want := []Policy{
		{Name: "portal-needs-second-factor", Enabled: true,
			Whom: Whom{Everyone: true, Except: []Except{{User: "x@y.z", Until: "2027-01-31"}}},
			What: What{Assurance: MFA, Methods: []mfa.Kind{"totp", "passkey", "sms", "email", "backup"}}},
		{Name: "2027",
			Whom: Whom{Kind: "internal", Groups: []string{"accounting", "42"}, Users: []string{"a@b.c"}},
			What: What{Methods: []mfa.Kind{"totp"}}},
		{Name: "short", Enabled: true, Whom: Whom{Kind: "portal"}, What: What{Assurance: PhishingResistant}},
		{Name: "everything", Enabled: true, Whom: Whom{Everyone: true},
			Where: Where{Clients: []string{"odoo", "my shop"}, Networks: Networks{In: nets("0.0.0.0/0", "2001:db8::/32"), NotIn: nets("10.0.0.0/8")}},
			What: What{
				Assurance: MFA, Enrolment: Enrolment{Deadline: "2027-03-01"}, Devices: &Devices{Days: 30},
				Session:  Session{Absolute: 12 * time.Hour, Idle: 90 * time.Second},
				Codes:    Codes{Validity: 5 * time.Minute, Digits: 8, Tries: 3},
				Passkeys: Passkeys{Clones: "refuse", Attestation: "required", Models: []string{"cb69481e-8ff7-4039-93ec-0a2729a154a8"}},
				Banner:   map[string]string{"en": "Soon: a second factor # for all", "fr": "Bientôt, 100 % d’entre vous", "pt-BR": "yes"},
			}},
		{Name: "at-once", Enabled: true, Whom: Whom{Everyone: true},
			What: What{Methods: []mfa.Kind{"totp"}, Devices: &Devices{}, Session: Session{Absolute: 12 * time.Hour, Idle: 15 * time.Minute}}},
		{Name: "grace", Enabled: true, Whom: Whom{Everyone: true}, Where: Where{Clients: []string{"odoo"}},
			What: What{Assurance: MFA, Enrolment: Enrolment{GraceDays: 14}, Session: Session{Absolute: 12 * time.Hour, Idle: 30 * time.Minute}}},
		{Name: "portal", Enabled: true, Whom: Whom{Kind: "portal"}, Where: Where{Networks: Networks{In: nets("192.0.2.7/32")}},
			What: What{Session: Session{Absolute: 24 * time.Hour, Idle: time.Hour}}},
		{Name: "admins", Enabled: true, Whom: Whom{Administrators: true}, What: What{Assurance: PhishingResistant, Enrolment: Enrolment{GraceDays: 14}}},
		{Name: "admins-or-board", Enabled: true, Whom: Whom{Administrators: true, Groups: []string{"board"}}, What: What{Assurance: MFA}},
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
	want := []string{
		`line 1: version: is no key here; these are: policies`,
		`line 4: policies[1].whom: everyone: true leaves no room for kind, administrators, groups, users`,
		`line 7: policies[1].what.assurance: "strong": must be one of none, mfa, phishing-resistant`,
		`line 8: policies[1].what.methods[2]: "telepathy": must be one of totp, passkey, sms, email, backup`,
		`line 15: policies[2].enabled: "maybe": must be true or false`,
		`line 14: policies[2].name: "one": the policy in line 3 has this name, too`,
		`line 16: policies[2].whom.kind: "customer": must be one of internal, portal`,
		`line 16: policies[2].whom.groups: "accounting": must be a list`,
		`line 16: policies[2].whom.users: must name at least one`,
		`line 16: policies[2].whom.except[1].until: is missing`,
		`line 16: policies[2].whom.except[2].until: "soon": must be a day such as 2027-01-31`,
		`line 16: policies[2].whom.except[2].user: " bob": must be one line of 1 to 256 characters, with no space at its ends`,
		`line 17: policies[2].what: must say assurance, methods, trusted_devices, session, codes, passkeys, lock or banner`,
		`line 18: policies[3].name: "&": must be a text`,
		`line 19: policies[3].whom: must say everyone: true, kind, administrators, groups or users`,
		`line 20: policies[3].what.methods: must name at least one of totp, passkey, sms, email, backup`,
		`line 20: policies[3].what.methods: is said twice`,
		`line 21: policies[3].extra: is no key here; these are: name, enabled, whom, where, what`,
		`line 22: policies[4].whom: "*": must be a list of keys: everyone, kind, administrators, groups, users, except`,
		`line 23: policies[4].what: "[": must be a list of keys: assurance, methods, enrolment, trusted_devices, session, codes, passkeys, lock, banner`,
		`line 22: policies[4].name: is missing`,
		`line 24: policies[5]: "5": must be a list of keys: name, enabled, whom, where, what`,
	}
	sameMistakes(t, err, want)
}

// All that can be wrong in the keys of where and what.
func TestParseTellsAllMistakesOfValues(t *testing.T) {
	long := strings.Repeat("x", 501)
	_, err := Parse([]byte(`policies:
  - name: one
    whom: {everyone: true}
    where: {clients: [], networks: {in: [10.0.0.1/8, 10.0.0.1, "::ffff:10.0.0.0/104"], not_in: 10.0.0.0/8, out: []}}
    what:
      methods: [temporary]
      enrolment: {mode: later}
      trusted_devices: {}
      session: home
      codes: {validity: 30s, digits: 5, tries: 11}
      passkeys: {clones: ignore, attestation: always, models: [yubikey, 00000000-0000-0000-0000-000000000000]}
      banner: {}
  - name: two
    whom: {everyone: true}
    where: {}
    what:
      assurance: mfa
      enrolment: {deadline: tomorrow}
      trusted_devices: {days: 366}
      session: {absolute: 1h, idle: 2h}
      codes: {}
      passkeys: {}
      banner: {klingonish: x, EN: " hi", en: hi, fr: "a\nb", de: "a\u202eb", it: ` + long + `}
  - name: three
    whom: {everyone: true}
    where: {networks: {}}
    what:
      enrolment: {grace_days: 14}
      trusted_devices: 30
      session: {absolute: 4m, idle: 0}
      codes: {validity: 5, digits: 6.5, tries: 03}
      banner: Hello
  - {name: four, whom: {everyone: true}, what: {assurance: mfa, enrolment: {deadline: 2027-03-01, grace_days: 0}, session: {}, trusted_devices: {days: -1}}}
  - {name: five, whom: {everyone: true}, what: {assurance: mfa, enrolment: {deadline: 2027-03-01, grace_days: 1}, session: {absolute: 721h, idle: 1500ms}}}
  - {name: six, whom: {everyone: true}, what: {assurance: mfa, enrolment: {}}}
`))
	const network = `must be a network such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32`
	const text = `must be one line of 1 to 500 characters, with no space at its ends`
	sameMistakes(t, err, []string{
		`line 4: policies[1].where.clients: must name at least one`,
		`line 4: policies[1].where.networks.in[1]: "10.0.0.1/8": ` + network,
		`line 4: policies[1].where.networks.in[2]: "10.0.0.1": ` + network,
		`line 4: policies[1].where.networks.in[3]: "::ffff:10.0.0.0/104": ` + network,
		`line 4: policies[1].where.networks.not_in: "10.0.0.0/8": must be a list`,
		`line 4: policies[1].where.networks.out: is no key here; these are: in, not_in`,
		`line 6: policies[1].what.methods[1]: "temporary": must be one of totp, passkey, sms, email, backup`,
		`line 7: policies[1].what.enrolment.mode: "later": must be one of immediate`,
		`line 8: policies[1].what.trusted_devices.days: is missing`,
		`line 9: policies[1].what.session: "home": must be one of staff, portal, pci, or absolute and idle`,
		`line 10: policies[1].what.codes.validity: "30s": must be a time from 1m to 10m, such as 90s, 5m or 12h`,
		`line 10: policies[1].what.codes.digits: "5": must be a number from 6 to 10`,
		`line 10: policies[1].what.codes.tries: "11": must be a number from 1 to 10`,
		`line 11: policies[1].what.passkeys.clones: "ignore": must be one of refuse, warn`,
		`line 11: policies[1].what.passkeys.attestation: "always": must be one of required, none`,
		`line 11: policies[1].what.passkeys.models[1]: "yubikey": must be an AAGUID such as cb69481e-8ff7-4039-93ec-0a2729a154a8`,
		`line 11: policies[1].what.passkeys.models[2]: "00000000-0000-0000-0000-000000000000": must be an AAGUID such as cb69481e-8ff7-4039-93ec-0a2729a154a8`,
		`line 12: policies[1].what.banner: must say a text by language, such as {en: Hello, fr: Bonjour}`,
		`line 15: policies[2].where: must say clients or networks`,
		`line 18: policies[2].what.enrolment.deadline: "tomorrow": must be a day such as 2027-01-31`,
		`line 19: policies[2].what.trusted_devices.days: "366": must be a number from 0 to 365`,
		`line 20: policies[2].what.session.idle: "2h": must not be longer than absolute, 1h`,
		`line 21: policies[2].what.codes: must say validity, digits or tries`,
		`line 22: policies[2].what.passkeys: must say clones, attestation or models`,
		`line 23: policies[2].what.banner.klingonish: is no language such as en, fr or pt-BR`,
		`line 23: policies[2].what.banner.EN: " hi": ` + text,
		`line 23: policies[2].what.banner.en: is said twice`,
		`line 23: policies[2].what.banner.fr: "a\nb": ` + text,
		`line 23: policies[2].what.banner.de: "a\u202eb": ` + text,
		`line 23: policies[2].what.banner.it: "` + long[:60] + `…": ` + text,
		`line 26: policies[3].where.networks: must say in or not_in`,
		`line 29: policies[3].what.trusted_devices: "30": must be a list of keys: days`,
		`line 30: policies[3].what.session.absolute: "4m": must be a time from 5m to 720h, such as 90s, 5m or 12h`,
		`line 30: policies[3].what.session.idle: "0": must be a time from 1m to 24h, such as 90s, 5m or 12h`,
		`line 31: policies[3].what.codes.validity: "5": must be a time from 1m to 10m, such as 90s, 5m or 12h`,
		`line 31: policies[3].what.codes.digits: "6.5": must be a number from 6 to 10`,
		`line 31: policies[3].what.codes.tries: "03": must be a number from 1 to 10`,
		`line 32: policies[3].what.banner: "Hello": must be a text by language, such as {en: Hello, fr: Bonjour}`,
		`line 33: policies[4].what.enrolment.grace_days: "0": must be a number from 1 to 365`,
		`line 33: policies[4].what.session: must say absolute or idle`,
		`line 33: policies[4].what.trusted_devices.days: "-1": must be a number from 0 to 365`,
		`line 34: policies[5].what.enrolment: must say one of mode: immediate, deadline: 2027-03-01, grace_days: 14`,
		`line 34: policies[5].what.session.absolute: "721h": must be a time from 5m to 720h, such as 90s, 5m or 12h`,
		`line 34: policies[5].what.session.idle: "1500ms": must be a time from 1m to 24h, such as 90s, 5m or 12h`,
		`line 35: policies[6].what.enrolment: must say one of mode: immediate, deadline: 2027-03-01, grace_days: 14`,
	})
}

// A deadline for nothing is a policy that somebody believes in and does not have.
func TestEnrolmentAlone(t *testing.T) {
	_, err := Parse([]byte(`policies: [{name: a, whom: {everyone: true}, what: {enrolment: {grace_days: 14}, session: staff}}]`))
	sameMistakes(t, err, []string{`line 1: policies[1].what.enrolment: says from when on assurance and methods hold; one of them must be there`})
}

func sameMistakes(t *testing.T, err error, want []string) {
	t.Helper()
	var ms Mistakes
	if !errors.As(err, &ms) || !errors.Is(err, ErrInvalid) {
		t.Fatalf("%v", err)
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

func nets(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
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

// The handbook shows a file that works.
func TestHandbook(t *testing.T) {
	text, err := os.ReadFile("../../docs/administrator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "```yaml\npolicies:")
	file, _, ended := strings.Cut(after, "```")
	if ps, err := Parse([]byte("policies:" + file)); !found || !ended || err != nil || len(ps) < 3 {
		t.Errorf("%d policies, %v", len(ps), err)
	}
}

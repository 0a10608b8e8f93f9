package policy

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/mfa"
)

func all(name string, w What) Policy {
	return Policy{ID: "id-" + name, Name: name, Enabled: true, Whom: Whom{Everyone: true}, What: w}
}

func TestWhere(t *testing.T) {
	office, shop := Where{Networks: Networks{In: nets("10.0.0.0/8", "2001:db8::/32")}}, Where{Clients: []string{"shop", "odoo"}}
	away := Where{Networks: Networks{NotIn: nets("10.0.0.0/8")}}
	both := Where{Clients: []string{"odoo"}, Networks: Networks{In: nets("10.0.0.0/8"), NotIn: nets("10.9.0.0/16")}}
	at := func(client, address string) Facts {
		f := Facts{Client: client}
		if address != "" {
			f.Address = netip.MustParseAddr(address)
		}
		return f
	}
	for name, c := range map[string]struct {
		where Where
		at    Facts
		want  bool
	}{
		"everywhere":                        {Where{}, at("", ""), true},
		"one of the clients":                {shop, at("odoo", ""), true},
		"another client":                    {shop, at("other", ""), false},
		"a client id has one spelling":      {shop, at("ODOO", ""), false},
		"the house's own pages":             {shop, at("", ""), true}, // as strict as the strictest
		"in the network":                    {office, at("", "10.1.2.3"), true},
		"in the other network":              {office, at("", "2001:db8::7"), true},
		"outside":                           {office, at("", "192.0.2.1"), false},
		"IPv4 written as IPv6":              {office, at("", "::ffff:10.1.2.3"), true},
		"with a zone":                       {Where{Networks: Networks{In: nets("fe80::/10")}}, at("", "fe80::1%eth0"), true},
		"a network written as IPv6":         {Where{Networks: Networks{In: nets("::ffff:10.0.0.0/104")}}, at("", "10.1.2.3"), true},
		"all of one family is everywhere":   {Where{Networks: Networks{In: nets("0.0.0.0/0")}}, at("", "2001:db8::7"), true},
		"not in":                            {away, at("", "10.1.2.3"), false},
		"not in, written as IPv6":           {away, at("", "::ffff:10.1.2.3"), false},
		"not in, from elsewhere":            {away, at("", "192.0.2.1"), true},
		"client and network":                {both, at("odoo", "10.1.2.3"), true},
		"client, not network":               {both, at("odoo", "192.0.2.1"), false},
		"network, not client":               {both, at("shop", "10.1.2.3"), false},
		"in, and not in":                    {both, at("odoo", "10.9.2.3"), false},
		"address not known":                 {both, at("odoo", ""), true}, // M-04
		"address not known, other client":   {both, at("shop", ""), false},
		"anywhere":                          {both, Facts{Anywhere: true}, true},
		"a broken network is everywhere":    {Where{Networks: Networks{In: []netip.Prefix{{}}}}, at("", "192.0.2.1"), true}, // M-04
		"a broken exception leaves nothing": {Where{Networks: Networks{NotIn: []netip.Prefix{{}}}}, at("", "192.0.2.1"), true},
	} {
		if got := c.where.Matches(c.at); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		p := all("p", What{Assurance: MFA})
		p.Where = c.where
		if got := Decide([]Policy{p}, c.at).Demands(); got != c.want {
			t.Errorf("%s: decided %v, want %v", name, got, c.want)
		}
	}
}

// A deadline is the first day on which it is demanded, from midnight UTC on.
func TestDeadline(t *testing.T) {
	p := all("p", What{
		Assurance: MFA, Methods: []mfa.Kind{"totp", "sms"}, Enrolment: Enrolment{Deadline: "2026-12-01"},
		Devices: &Devices{Days: 7}, Session: Session{Idle: time.Hour}, Codes: Codes{Digits: 8}, Banner: map[string]string{"en": "soon"},
	})
	f := Facts{Now: time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC), Lent: []mfa.Kind{"sms"}}
	d := Decide([]Policy{p}, f)
	if d.Demands() || d.Methods != nil || d.Lent != nil {
		t.Errorf("demanded before its day: %+v", d)
	}
	if d.TrustDays != 7 || d.Session.Idle != time.Hour || d.Terms.Digits != 8 || len(d.Banners) != 1 {
		t.Errorf("these hold at once: %+v", d)
	}
	if !slices.Contains(d.Reasons, Reason{"p", "enrolment", "2026-12-01"}) {
		t.Errorf("%+v", d.Reasons)
	}
	midnight := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if len(d.Ahead) != 1 || !d.Ahead[0].At.Equal(midnight) || !d.Ahead[0].Demands() || !slices.Equal(d.Ahead[0].Lent, []mfa.Kind{"sms"}) {
		t.Errorf("%+v", d.Ahead)
	}
	f.Now = midnight.In(time.FixedZone("", -5*3600))
	if d = Decide([]Policy{p}, f); !d.Demands() || len(d.Ahead) != 0 || len(d.Methods) != 2 {
		t.Errorf("%+v", d)
	}
}

func TestGrace(t *testing.T) {
	p := all("p", What{Assurance: MFA, Enrolment: Enrolment{GraceDays: 14}})
	d := Decide([]Policy{p}, Facts{Now: now})
	if d.Demands() || !slices.Equal(d.Grace, []string{"id-p"}) || len(d.Ahead) != 1 || !d.Ahead[0].At.Equal(now.AddDate(0, 0, 14)) || !d.Ahead[0].Demands() || d.Ahead[0].Grace != nil {
		t.Errorf("grace begins with the first decision: %+v", d)
	}
	since := func(days int) Facts {
		return Facts{Now: now, Started: map[string]time.Time{"id-p": now.AddDate(0, 0, -days)}}
	}
	if d = Decide([]Policy{p}, since(13)); d.Demands() || d.Grace != nil || len(d.Ahead) != 1 || !d.Ahead[0].At.Equal(now.AddDate(0, 0, 1)) {
		t.Errorf("a day is left: %+v", d)
	}
	if d = Decide([]Policy{p}, since(14)); !d.Demands() || d.Grace != nil || d.Ahead != nil {
		t.Errorf("it is over: %+v", d)
	}
	// One who looks from elsewhere has begun no grace.
	p.Where.Clients = []string{"odoo"}
	if d = Decide([]Policy{p}, Facts{Now: now, Client: "shop"}); d.Grace != nil || d.Ahead != nil {
		t.Errorf("%+v", d)
	}
}

// The end of an exemption is a deadline, and the days of grace follow it.
func TestExemptionEnds(t *testing.T) {
	p := all("p", What{Assurance: MFA, Enrolment: Enrolment{GraceDays: 2}, Banner: map[string]string{"en": "x"}})
	p.Whom.Except = []Except{{User: "u", Until: "2026-11-30"}, {User: "u", Until: "2026-11-25"}}
	d := Decide([]Policy{p}, Facts{User: "u", Now: now})
	first, second := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC)
	if d.Demands() || d.Banners != nil || d.Grace != nil || len(d.Ahead) != 2 ||
		!d.Ahead[0].At.Equal(first) || d.Ahead[0].Demands() || len(d.Ahead[0].Banners) != 1 || !slices.Equal(d.Ahead[0].Grace, []string{"id-p"}) ||
		!d.Ahead[1].At.Equal(second) || !d.Ahead[1].Demands() {
		t.Errorf("%+v", d)
	}
}

// M-04: what cannot be understood gives no time and no ease.
func TestBroken(t *testing.T) {
	for name, e := range map[string]Enrolment{
		"no day": {Deadline: "soon"}, "a day that is none": {Deadline: "2027-02-30"}, "less than a day": {GraceDays: -1}, "for ever": {GraceDays: 1 << 40},
		"both, one of them broken": {Deadline: "soon", GraceDays: 10}, "both, the other broken": {Deadline: "2027-03-01", GraceDays: 366},
	} {
		if d := Decide([]Policy{all("p", What{Assurance: MFA, Enrolment: e})}, Facts{Now: now}); !d.Demands() || d.Ahead != nil || d.Grace != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d := Decide([]Policy{all("p", What{Assurance: MFA, Enrolment: Enrolment{Deadline: "2027-03-01", GraceDays: 3}})}, Facts{Now: now}); len(d.Ahead) != 1 || !d.Ahead[0].At.Equal(now.AddDate(0, 0, 3)) {
		t.Errorf("of two ends the earlier: %+v", d)
	}
	d := Decide([]Policy{all("p", What{
		Devices: &Devices{Days: -3}, Session: Session{Absolute: -1, Idle: 1000 * time.Hour}, Codes: Codes{Validity: time.Hour, Digits: 3, Tries: -1},
		Passkeys: Passkeys{Clones: "?", Attestation: "?", Models: []string{"?"}},
	})}, Facts{Now: now})
	want := Decision{
		At: now, Assurance: None, Session: Session{5 * time.Minute, time.Minute},
		Terms: mfa.Terms{Validity: time.Minute, Digits: 10, Tries: 1, NoClones: true, Attested: true, Models: []string{"?"}},
	}
	d.Reasons = nil
	if !reflect.DeepEqual(d, want) {
		t.Errorf("\n got %+v\nwant %+v", d, want)
	}
}

func TestLimits(t *testing.T) {
	key := func(models ...string) Passkeys { return Passkeys{Models: models} }
	d := Decide([]Policy{
		all("a", What{Devices: &Devices{30}, Session: Session{12 * time.Hour, 30 * time.Minute}, Codes: Codes{5 * time.Minute, 6, 5}, Passkeys: key("a", "B", "c")}),
		all("b", What{Devices: &Devices{7}, Session: Session{24 * time.Hour, 15 * time.Minute}, Codes: Codes{10 * time.Minute, 8, 3}, Passkeys: key("b", "c", "d")}),
		all("c", What{Passkeys: Passkeys{Clones: "warn", Attestation: "none"}, Banner: map[string]string{"fr": "é", "en": "e"}}),
		all("d", What{Devices: &Devices{7}, Passkeys: Passkeys{Clones: "refuse", Attestation: "required"}}),
	}, Facts{Now: now})
	want := Decision{
		At: now, Assurance: None, TrustDays: 7, Session: Session{12 * time.Hour, 15 * time.Minute},
		Terms:   mfa.Terms{Digits: 8, Validity: 5 * time.Minute, Tries: 3, NoClones: true, Attested: true, Models: []string{"b", "c"}},
		Banners: []Banner{{"c", map[string]string{"fr": "é", "en": "e"}}},
		Reasons: []Reason{
			{"c", "banner", "en, fr"},
			{"a", "codes", "validity 5m"}, {"b", "codes", "digits 8"}, {"b", "codes", "tries 3"},
			{"a", "passkeys", "models a, b, c"}, {"b", "passkeys", "models b, c, d"}, {"d", "passkeys", "attestation required"}, {"d", "passkeys", "clones refuse"},
			{"a", "session", "absolute 12h"}, {"b", "session", "idle 15m"},
			{"b", "trusted_devices", "days 7"}, {"d", "trusted_devices", "days 7"},
		},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("\n got %+v\nwant %+v", d, want)
	}
	if d := Decide(nil, Facts{Now: now}); d.TrustDays != 0 {
		t.Error("nobody offers to trust a browser")
	}
	// W-12: no make is left, and that is not the same as all makes.
	if d := Decide([]Policy{all("a", What{Passkeys: key("a")}), all("b", What{Passkeys: key("b")}), all("c", What{Passkeys: key("a")})}, Facts{Now: now}); !slices.Equal(d.Terms.Models, []string{NoModel}) {
		t.Errorf("%+v", d.Terms)
	}
}

func TestLent(t *testing.T) {
	could := []mfa.Kind{"totp", "email", "sms", "temporary"}
	later := all("later", What{Methods: []mfa.Kind{"email"}, Enrolment: Enrolment{Deadline: "2027-03-01"}})
	codes := all("codes", What{Assurance: MFA, Methods: []mfa.Kind{"totp", "email", "sms"}})
	for name, c := range map[string]struct {
		ps    []Policy
		lent  []mfa.Kind
		lacks bool
	}{
		"named":                              {[]Policy{codes}, []mfa.Kind{"sms", "email"}, false},
		"nobody names them":                  {[]Policy{demand("a", MFA)}, nil, true},
		"named by one, left out by another":  {[]Policy{codes, demand("a", "", "totp", "sms")}, []mfa.Kind{"sms"}, false},
		"named, and demanded without a name": {[]Policy{codes, demand("a", MFA)}, nil, true},
		"not yet due":                        {[]Policy{later, demand("a", MFA)}, nil, true},
		"not demanded":                       {[]Policy{demand("a", None, "sms")}, []mfa.Kind{"sms"}, false},
		"a key is wanted":                    {[]Policy{demand("a", PhishingResistant, "sms")}, nil, true},
	} {
		d := Decide(c.ps, Facts{Now: now, Lent: could})
		if !slices.Equal(d.Lent, c.lent) || d.Lacks(nil) != c.lacks {
			t.Errorf("%s: %v, lacks %v; want %v, %v", name, d.Lent, d.Lacks(nil), c.lent, c.lacks)
		}
	}
}

// M-17: a code by mail is a second factor where policy names it, and never to
// an application that asks for one.
func TestWeak(t *testing.T) {
	mail := []mfa.Kind{"email"}
	for name, c := range map[string]struct {
		d    Decision
		want bool
	}{
		"nothing is demanded":      {Decide(nil, Facts{}), true},
		"demanded":                 {Decide([]Policy{demand("a", MFA)}, Facts{}), false},
		"named":                    {Decide([]Policy{demand("a", MFA, "email", "totp")}, Facts{}), true},
		"named by one of two":      {Decide([]Policy{demand("a", MFA, "email", "totp"), demand("b", MFA)}, Facts{}), false},
		"an application wants two": {Decide([]Policy{demand("a", MFA, "email")}, Facts{}).AtLeast(MFA), false},
		"an application does not":  {Decide([]Policy{demand("a", MFA, "email")}, Facts{}).AtLeast(None), true},
	} {
		if got := len(c.d.Usable(mail)) == 1; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for name, d := range map[string]Decision{"nothing is left": {Methods: []mfa.Kind{}, Assurance: MFA}, "others": {Methods: mail}} {
		if len(d.Usable([]mfa.Kind{"temporary"})) != 1 {
			t.Errorf("%s: the help desk's way in is shut", name)
		}
	}
	if d := Decide([]Policy{demand("a", PhishingResistant)}, Facts{}); len(d.Usable([]mfa.Kind{"temporary"})) != 0 {
		t.Error("a temporary code resists no phishing")
	}
}

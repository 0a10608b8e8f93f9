package policy

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/mfa"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func demand(name string, a Assurance, ms ...mfa.Kind) Policy {
	return Policy{Name: name, Enabled: true, Whom: Whom{Everyone: true}, What: What{Assurance: a, Methods: ms}}
}

func TestWhom(t *testing.T) {
	ada := Facts{User: "id-ada", Email: "ada@example.org", Login: "Ada", Kind: "internal", Groups: []string{"accounting", "Board"}, Now: now}
	until := func(d Date) []Except { return []Except{{User: "ada@example.org", Until: d}} }
	for name, c := range map[string]struct {
		whom Whom
		want bool
	}{
		"everyone":                     {Whom{Everyone: true}, true},
		"her kind":                     {Whom{Kind: "internal"}, true},
		"the other kind":               {Whom{Kind: "portal"}, false},
		"one of her groups":            {Whom{Groups: []string{"sales", "board"}}, true},
		"no group of hers":             {Whom{Groups: []string{"sales", "account"}}, false},
		"by e-mail":                    {Whom{Users: []string{"bob", " ADA@example.org "}}, true},
		"by login":                     {Whom{Users: []string{"ada"}}, true},
		"by id":                        {Whom{Users: []string{"id-ada"}}, true},
		"an id has one spelling":       {Whom{Users: []string{"ID-ADA"}}, false},
		"somebody else":                {Whom{Users: []string{"bob"}}, false},
		"an empty name is nobody":      {Whom{Users: []string{""}}, false},
		"named by group or name":       {Whom{Groups: []string{"sales"}, Users: []string{"ada"}}, true},
		"neither by group nor by name": {Whom{Groups: []string{"sales"}, Users: []string{"bob"}}, false},
		"kind narrows":                 {Whom{Kind: "portal", Groups: []string{"accounting"}}, false},
		"kind and group":               {Whom{Kind: "internal", Groups: []string{"accounting"}}, true},
		"administrators, not her":      {Whom{Administrators: true}, false},
		"administrators, or by name":   {Whom{Administrators: true, Users: []string{"ada"}}, true},
		"administrators, or a group":   {Whom{Administrators: true, Groups: []string{"sales"}}, false},
		"selected by nothing":          {Whom{}, true},
		"exempt for a while":           {Whom{Everyone: true, Except: until("2027-01-31")}, false},
		"exempt for the last day":      {Whom{Everyone: true, Except: until("2026-11-21")}, false},
		"exempt until yesterday":       {Whom{Everyone: true, Except: until("2026-11-20")}, true},
		"exempt until no day":          {Whom{Everyone: true, Except: until("soon")}, true},
		"exempt without an end":        {Whom{Everyone: true, Except: until("")}, true},
		"somebody else is exempt":      {Whom{Everyone: true, Except: []Except{{User: "bob", Until: "2027-01-31"}}}, true},
	} {
		if got := c.whom.Matches(ada); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// M-15: administrators are selected by their role, beside groups and names; kind
// narrows, and time gives them days of grace.
func TestWhomAdministrators(t *testing.T) {
	owner := Facts{User: "id-owner", Kind: "internal", Administrator: true, Groups: []string{"board"}, Now: now}
	for name, c := range map[string]struct {
		whom Whom
		want bool
	}{
		"administrators":               {Whom{Administrators: true}, true},
		"or others":                    {Whom{Administrators: true, Groups: []string{"sales"}, Users: []string{"bob"}}, true},
		"of her kind":                  {Whom{Kind: "internal", Administrators: true}, true},
		"of the other kind":            {Whom{Kind: "portal", Administrators: true}, false},
		"others alone":                 {Whom{Groups: []string{"sales"}}, false},
		"left out for a while":         {Whom{Administrators: true, Except: []Except{{User: "id-owner", Until: "2027-01-31"}}}, false},
		"everybody, and she is one":    {Whom{Everyone: true}, true},
		"her kind, whatever her role":  {Whom{Kind: "internal"}, true},
		"her group, whatever her role": {Whom{Groups: []string{"board"}}, true},
	} {
		if got := c.whom.Matches(owner); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	p := demand("admins", PhishingResistant)
	p.Whom, p.What.Enrolment = Whom{Administrators: true}, Enrolment{GraceDays: 14}
	for _, is := range []bool{true, false} {
		f := owner
		f.Administrator = is
		d := Decide([]Policy{p}, f)
		if d.Demands() || (len(d.Ahead) == 1) != is {
			t.Errorf("administrator %v: %+v", is, d)
		} else if is && (d.Ahead[0].Assurance != PhishingResistant || !d.Ahead[0].At.Equal(now.AddDate(0, 0, 14))) {
			t.Errorf("after the grace: %+v", d.Ahead[0])
		}
	}
}

// A person without e-mail is not the one whom a policy without a name means.
func TestNobodyIsExemptByEmptyName(t *testing.T) {
	w := Whom{Everyone: true, Except: []Except{{User: "", Until: "2027-01-31"}}}
	if !w.Matches(Facts{User: "x", Now: now}) {
		t.Error("exempt")
	}
}

func TestDecide(t *testing.T) {
	off := demand("off", PhishingResistant, "passkey")
	off.Enabled = false
	portal := demand("portal", MFA)
	portal.Whom = Whom{Kind: "portal"}
	for name, c := range map[string]struct {
		ps   []Policy
		want Decision
	}{
		"no policy":          {nil, Decision{At: now, Assurance: None}},
		"none asks nothing":  {[]Policy{demand("a", None)}, Decision{At: now, Assurance: None}},
		"switched off":       {[]Policy{off}, Decision{At: now, Assurance: None}},
		"concerns others":    {[]Policy{portal}, Decision{At: now, Assurance: None}},
		"the strictest wins": {[]Policy{demand("a", PhishingResistant), demand("b", MFA), demand("c", None)}, Decision{At: now, Assurance: PhishingResistant, Methods: nil, Reasons: []Reason{{"a", "assurance", "phishing-resistant"}}}},
		"all reasons":        {[]Policy{demand("b", MFA), demand("a", MFA)}, Decision{At: now, Assurance: MFA, Methods: nil, Reasons: []Reason{{"a", "assurance", "mfa"}, {"b", "assurance", "mfa"}}}},
		"methods intersect": {[]Policy{demand("a", MFA, "backup", "totp", "sms"), demand("b", "", "totp", "backup", "totp")},
			Decision{At: now, Assurance: MFA, Methods: []mfa.Kind{"totp", "backup"}, Reasons: []Reason{{"a", "assurance", "mfa"}, {"a", "methods", "totp, sms, backup"}, {"b", "methods", "totp, backup"}}}},
		"nothing is left": {[]Policy{demand("a", "", "totp"), demand("b", "", "sms")},
			Decision{At: now, Assurance: None, Methods: []mfa.Kind{}, Reasons: []Reason{{"", "methods", "none"}, {"a", "methods", "totp"}, {"b", "methods", "sms"}}}},
		"nothing stays nothing": {[]Policy{demand("a", "", "totp"), demand("b", "", "sms"), demand("c", "", "sms")},
			Decision{At: now, Assurance: None, Methods: []mfa.Kind{}, Reasons: []Reason{{"", "methods", "none"}, {"a", "methods", "totp"}, {"b", "methods", "sms"}, {"c", "methods", "sms"}}}},
		// M-04: what cannot be understood is not a way in.
		"unknown assurance": {[]Policy{demand("a", "medium")}, Decision{At: now, Assurance: PhishingResistant, Methods: nil, Reasons: []Reason{{"a", "assurance", "medium"}}}},
	} {
		if got := Decide(c.ps, Facts{Kind: "internal", Now: now}); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestUsable(t *testing.T) {
	held := []mfa.Kind{"backup", "totp", "passkey", "totp"}
	for name, c := range map[string]struct {
		d    Decision
		want []mfa.Kind
	}{
		"all":                {Decision{Assurance: MFA}, []mfa.Kind{"backup", "totp", "passkey"}},
		"allowed ones":       {Decision{Assurance: MFA, Methods: []mfa.Kind{"totp", "sms"}}, []mfa.Kind{"totp"}},
		"none left":          {Decision{Methods: []mfa.Kind{}}, nil},
		"phishing-resistant": {Decision{Assurance: PhishingResistant}, []mfa.Kind{"passkey"}},
		"both":               {Decision{Assurance: PhishingResistant, Methods: []mfa.Kind{"totp"}}, nil},
	} {
		if got := c.d.Usable(held); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

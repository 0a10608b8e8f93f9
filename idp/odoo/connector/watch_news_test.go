package connector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/idp/odoo/connector"
)

// What is new, what is over, and what is neither.
func TestNews(t *testing.T) {
	f := func(says string, l connector.Level, facts ...string) connector.Finding {
		check, _, _ := strings.Cut(says, ".")
		return connector.Finding{Check: check, Level: l, Said: connector.Said{Says: says, Facts: facts}}
	}
	const bad, good = connector.Problem, connector.Advice
	over := f("label", bad)
	over.Fixed = true
	unread := connector.Finding{Check: "sign_up", Level: good, Said: connector.Said{Says: "unread"}}
	down := connector.Finding{Check: "unreachable", Level: bad}
	all := func(fs ...connector.Finding) []connector.Finding { return fs }
	for name, c := range map[string]struct {
		was, is []connector.Finding
		alone   bool // there was no contact the second time
		want    string
	}{
		"nothing":                  {nil, nil, false, ""},
		"a problem":                {nil, all(f("module", bad)), false, "+module"},
		"the same":                 {all(f("module", bad)), all(f("module", bad)), false, ""},
		"over":                     {all(f("module", bad)), nil, false, "-module"},
		"put right":                {nil, all(over), false, ""},
		"advice":                   {nil, all(f("totp_policy", good)), false, ""},
		"advice becomes worse":     {all(f("password_reset", good)), all(f("password_reset", bad)), false, "+password_reset"},
		"a problem becomes less":   {all(f("password_reset", bad)), all(f("password_reset", good)), false, ""},
		"sign-up reopened":         {nil, all(f("sign_up", good, "x")), false, "+sign_up"},
		"sign-up closed":           {all(f("sign_up", good, "x")), nil, false, "-sign_up"},
		"sign-up not to be read":   {all(f("sign_up", good, "x")), all(unread), false, ""},
		"a new key":                {all(f("api_keys", good, "1", "a").With(1)), all(f("api_keys", good, "2", "a, b").With(1, 2)), false, "+api_keys"},
		"a key in another's place": {all(f("api_keys", good, "1", "a").With(1)), all(f("api_keys", good, "1", "b").With(2)), false, "+api_keys"},
		"a key less":               {all(f("api_keys", good, "2", "a, b").With(1, 2)), all(f("api_keys", good, "1", "b").With(2)), false, ""},
		"another host":             {all(f("hosts", bad, "https://a")), all(f("hosts", bad, "https://a"), f("hosts", bad, "https://b")), false, "+hosts https://b"},
		"one host less":            {all(f("hosts", bad, "https://a"), f("hosts", bad, "https://b")), all(f("hosts", bad, "https://b")), false, "-hosts https://a"},
		"more can get past us":     {all(f("local_passwords", bad, "1", "x")), all(f("local_passwords", bad, "2", "x, y")), false, "+local_passwords"},
		"fewer can":                {all(f("local_passwords", bad, "2", "x, y")), all(f("local_passwords", bad, "1", "y")), false, ""},
		"more are not linked":      {all(f("unlinked", bad, "1", "x")), all(f("unlinked", bad, "2", "x, y")), false, ""},
		"the clock goes on":        {all(f("clock", bad, "2m0s")), all(f("clock", bad, "3m0s")), false, ""},
		"a provider switched on":   {all(f("other_providers.off", bad, "1", "Sesame", "3", "x")), all(f("other_providers.on", bad, "1", "Sesame", "3", "x")), false, "+other_providers -other_providers Sesame"},
		"no contact":               {all(f("module", bad)), all(down), true, "+unreachable"},
		"contact again":            {all(down), all(f("module", bad)), false, "+module -unreachable"},
		"the worst comes first":    {nil, all(f("sign_up", good, "x"), f("module", bad)), false, "+module +sign_up"},
	} {
		t.Run(name, func(t *testing.T) {
			checks := []string{"contact", "rest"}
			_, known := connector.Compare(nil, false, connector.Diagnosis{Checks: checks, Findings: c.was})
			if c.alone {
				checks = checks[:1]
			}
			n, next := connector.Compare(known, false, connector.Diagnosis{Checks: checks, Findings: c.is})
			var got []string
			for _, f := range n.New {
				about := ""
				if f.Check == "hosts" {
					about = " " + f.Facts[0]
				}
				got = append(got, "+"+f.Check+about)
			}
			for _, k := range n.Gone {
				got = append(got, strings.TrimSpace("-"+k.Check+" "+k.About))
			}
			if said := strings.Join(got, " "); said != c.want || n.Empty() != (c.want == "") {
				t.Errorf("%q, not %q", said, c.want)
			}
			// Whatever was told is known: the same again is no news.
			if again, _ := connector.Compare(next, false, connector.Diagnosis{Checks: checks, Findings: c.is}); !again.Empty() {
				t.Errorf("told twice: %+v", again)
			}
		})
	}
	if n, _ := connector.Compare(nil, true, connector.Diagnosis{Checks: []string{"contact", "rest"}, Findings: all(f("sign_up", good, "x"), f("module", bad))}); len(n.New) != 1 || n.New[0].Check != "module" {
		t.Errorf("at first: %+v", n)
	}
}

// Connections are spread over the night, each at its own time, and none is due
// before its day is over.
func TestNight(t *testing.T) {
	start := time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC)
	minutes := map[time.Duration]bool{}
	for i := range 50 {
		id := fmt.Sprint("odoo-", i)
		first := connector.Night(id, start, time.Time{})
		hour := first.Sub(first.Truncate(24 * time.Hour))
		minutes[hour] = true
		if first.Before(start.Add(24*time.Hour)) || first.After(start.Add(48*time.Hour)) || hour >= 6*time.Hour {
			t.Errorf("%s first at %s", id, first)
		}
		if next := connector.Night(id, start, first.Add(3*time.Minute)); !next.Equal(first.Add(24 * time.Hour)) {
			t.Errorf("%s: %s comes after %s", id, next, first)
		}
		by := first.Add(-11 * time.Hour) // it looked the day before, for the synchronisation
		if next := connector.Night(id, start, by); !next.Equal(first.Add(24 * time.Hour)) {
			t.Errorf("%s: %s comes after %s", id, next, by)
		}
		if next := connector.Night(id, start, first.Add(-13*time.Hour)); !next.Equal(first) {
			t.Errorf("%s: %s", id, next)
		}
	}
	if len(minutes) < 30 {
		t.Errorf("fifty connections have %d times", len(minutes))
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// scrape asks as Prometheus does and returns what is ours, by name and labels.
func scrape(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	out := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		if name, v, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "latchkey_") {
			out[name] = v
		}
	}
	return out
}

// D-14: counters come from the events of sign-ins, gauges from the house; no
// label has a name or an address in it, and a scrape soon after another costs
// no look into the database.
func TestMetrics(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_MAIL_SMTP_URL=smtp://127.0.0.1:1")
	w.user("ada@example.org", withApp)
	w.odooClient("odoo")
	w.must(w.db.Connections.Add(t.Context(), connector.Connection{ID: "shop", Client: "odoo", Created: w.now}))
	w.must(w.db.Connections.Add(t.Context(), connector.Connection{ID: "ill", Client: "other", Created: w.now}))
	w.must(w.db.Connections.Heard(t.Context(), "ill", w.now, fmt.Errorf("down")))
	m := mail.New(mail.Mail, "ada@example.org", w.now)
	m.Subject = "news"
	w.must(w.db.Outbox().Put(t.Context(), m))
	w.later(90 * time.Second)

	p := w.person().open(w.odooLink("odoo"))
	p.submit("form#login", "login", "nobody@example.org", "password", rightPassword)
	p.submit("form#login", "login", "ada@example.org", "password", "wrong, and long enough")
	p.submit("form#login", "login", "ada@example.org", "password", rightPassword)
	p.submit("form#factor", "code", "000000")
	p.submit("form#factor", "code", w.code(appSecret))

	h := metrics(w.base)
	got := scrape(t, h)
	for name, want := range map[string]string{
		`latchkey_first_factor_tries_total{method="password",result="unknown"}`: "1",
		`latchkey_first_factor_tries_total{method="password",result="wrong"}`:   "1",
		`latchkey_first_factor_tries_total{method="password",result="ok"}`:      "1",
		`latchkey_second_factor_tries_total{method="totp",result="wrong"}`:      "1",
		`latchkey_second_factor_tries_total{method="totp",result="ok"}`:         "1",
		`latchkey_signins_total{method="totp"}`:                                 "1",
		`latchkey_signins_total{method="password"}`:                             "0",
		`latchkey_locks_total{what="password"}`:                                 "0",
		`latchkey_messages_total{channel="sms",kind="awaited",result="failed"}`: "0",
		`latchkey_database_up`:                                  "1",
		`latchkey_outbox_oldest_seconds{channel="mail"}`:        "90",
		`latchkey_outbox_oldest_seconds{channel="sms"}`:         "0",
		`latchkey_outbox_given_up{channel="mail"}`:              "0",
		`latchkey_odoo_up{connection="shop"}`:                   "1",
		`latchkey_odoo_up{connection="ill"}`:                    "0",
		`latchkey_odoo_last_contact_seconds{connection="shop"}`: "90",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	var days float64
	if _, err := fmt.Sscan(got[`latchkey_signing_key_days{alg="ES256"}`], &days); err != nil || days < 88 || days > 90 {
		t.Errorf("the key that signs is replaced in %v days, %v", days, err)
	}
	for name := range got {
		if strings.Contains(name, "@") || strings.Contains(name, "127.0.0.1") {
			t.Errorf("%s names somebody", name)
		}
	}
	before, _ := w.db.Trips()
	scrape(t, h)
	if after, _ := w.db.Trips(); after != before {
		t.Errorf("the second scrape cost %d round trips", after-before)
	}
	w.later(time.Minute)
	if again := scrape(t, h); again[`latchkey_outbox_oldest_seconds{channel="mail"}`] != "150" {
		t.Errorf("a minute later the oldest mail is %s seconds old", again[`latchkey_outbox_oldest_seconds{channel="mail"}`])
	}
}

// C-10: a database that hangs costs a scrape its patience and no more, and all
// scrapes together one question.
func TestMetricsOfHangingDatabase(t *testing.T) {
	var asked atomic.Int32
	hanging := make(chan struct{})
	s := &houseState{now: time.Now, patience: 20 * time.Millisecond, read: func(context.Context, gauging) error {
		asked.Add(1)
		<-hanging // whatever the context says
		return nil
	}}
	r := prometheus.NewRegistry()
	r.MustRegister(s)
	up := func() float64 {
		t.Helper()
		all, err := r.Gather()
		if err != nil || len(all) != 1 || all[0].GetName() != "latchkey_database_up" {
			t.Fatalf("%v, %v", all, err)
		}
		return all[0].Metric[0].Gauge.GetValue()
	}
	for range 3 {
		if up() != 0 {
			t.Error("a database that says nothing is up")
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	close(hanging)
	for end := time.Now().Add(5 * time.Second); up() != 1; {
		if time.Now().After(end) {
			t.Fatal("it is back, and nobody noticed")
		}
	}
}

// A database that refuses hides none of the other parts.
func TestMetricsOfBrokenDatabase(t *testing.T) {
	s := &houseState{now: time.Now, patience: time.Second, read: func(_ context.Context, gauge gauging) error {
		gauge(rotateMetric, 12, "ES256")
		return context.DeadlineExceeded
	}}
	r := prometheus.NewRegistry()
	r.MustRegister(s)
	all, err := r.Gather()
	if err != nil || len(all) != 2 || all[0].Metric[0].Gauge.GetValue() != 0 || all[1].GetName() != "latchkey_signing_key_days" {
		t.Errorf("%v, %v", all, err)
	}
}

// A lock is counted once, however often somebody runs into it; words that
// nobody knows become no labels.
func TestCountsOfLocks(t *testing.T) {
	c, clock := newCounts(15*time.Minute), storetest.NewClock()
	locked := func(what string, method mfa.Kind, u idp.UserID) {
		c.event(idp.Event{What: what, Method: method, User: u, Result: "locked", At: clock.Now()})
	}
	for range 3 {
		locked("signin.password", "pwd", "ada")
		locked("signin.password", "pwd", "bob")
		locked("signin.factor", "totp", "ada")
		locked("signin.password", "pwd", "") // a name that nobody has
		clock.Pass(time.Minute)
	}
	clock.Pass(15 * time.Minute)
	locked("signin.password", "pwd", "ada")
	c.event(idp.Event{What: "sms.stop", Result: "country", At: clock.Now()})
	c.event(idp.Event{What: "signin.factor", Method: "telepathy", Result: "<script>"})
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range all {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.Counter.GetValue()
		}
	}
	for name, want := range map[string]float64{
		"latchkey_locks_total password": 3, "latchkey_locks_total factor": 1, "latchkey_locks_total sms": 1,
		"latchkey_first_factor_tries_total password locked": 10, "latchkey_second_factor_tries_total other other": 1,
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}

var metricName = regexp.MustCompile(`latchkey_[a-z0-9_]+`)

// offered lists the names of our metrics, whether or not they have a value yet.
func offered(t *testing.T) []string {
	t.Helper()
	descriptions := make(chan *prometheus.Desc, 100)
	for _, c := range collectors(&base{ground: &ground{counts: newCounts(time.Minute), now: time.Now}}) {
		c.Describe(descriptions)
	}
	close(descriptions)
	var out []string
	for d := range descriptions {
		if name := metricName.FindString(d.String()); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// The handbook lists every metric, and only those that there are.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operator.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "<!-- metrics -->\n")
	list, _, ok2 := strings.Cut(rest, "<!-- /metrics -->")
	if !ok || !ok2 {
		t.Fatal("docs/operator.md has no list of metrics")
	}
	var told []string
	for line := range strings.Lines(list) {
		if name := regexp.MustCompile("^\\| `(latchkey_[a-z0-9_]+)").FindStringSubmatch(line); name != nil {
			told = append(told, name[1])
		}
	}
	slices.Sort(told)
	if want := offered(t); !slices.Equal(told, want) {
		t.Errorf("docs/operator.md lists\n%s\nand /metrics has\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// The rules that operators take over are ones that Prometheus reads, and speak of
// metrics that there are.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.DisallowUnknownField()); err != nil {
		t.Fatal(err)
	}
	known, n := offered(t), 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			names := metricName.FindAllString(r.Expr, -1)
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" || len(names) == 0 {
				t.Errorf("%+v is not whole", r)
			}
			if _, err := time.ParseDuration(r.For); err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			if strings.Count(r.Expr, "(") != strings.Count(r.Expr, ")") || strings.Count(r.Expr, "{") != strings.Count(r.Expr, "}") {
				t.Errorf("%s: %s", r.Alert, r.Expr)
			}
			for _, name := range names {
				bare := strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")
				if !slices.Contains(known, name) && !slices.Contains(known, bare) {
					t.Errorf("%s: there is no metric %s", r.Alert, name)
				}
			}
		}
	}
	if n < 6 {
		t.Errorf("%d rules", n)
	}
}

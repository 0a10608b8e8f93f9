package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/figures"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
)

// BenchmarkMillions opens the administration's pages over many people and a long
// log in PostgreSQL. LATCHKEY_BENCH_PEOPLE and LATCHKEY_BENCH_EVENTS say how
// many: 1000000 and 10000000 take ten minutes and 12 GB; what is small by
// default shows only that it runs.
func BenchmarkMillions(b *testing.B) {
	w := newWorld(b, "postgres")
	people, events := number("LATCHKEY_BENCH_PEOPLE", 5_000), number("LATCHKEY_BENCH_EVENTS", 20_000)
	w.crowd(people, events)
	owner := w.user("zoe@example.org", withApp, func(in *account.New) { in.Role = idp.Owner })
	desk := w.sit(owner, 0, idp.Password, totp.Kind)
	counter := figures.Counter{Store: w.db.Figures, Now: w.clock, Report: func(err error) { b.Error(err) }}
	from := time.Now()
	if err := counter.Once(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d people and %d events counted for the first time in %v", people, events, time.Since(from).Round(time.Millisecond))
	from = time.Now()
	if _, err := w.db.Figures.CountPeople(b.Context(), figures.DayOf(w.clock()), w.clock().Add(-figures.StaleAfter), w.clock().Add(time.Hour)); err != nil {
		b.Fatal(err)
	}
	b.Logf("people counted again in %v", time.Since(from).Round(time.Millisecond))
	for _, path := range []string{
		"/admin", "/admin?days=90", "/admin/users", "/admin/users?q=ada", "/admin/users?q=ada+stone7", "/admin/users?q=person77%40example.org",
		"/admin/users?bare=yes", "/admin/users?kind=portal&bare=yes", "/admin/users?locked=yes", "/admin/users?never=yes", "/admin/users?stale=90", "/admin/users?group=customers",
		"/admin/users/u78", "/admin/audit", "/admin/audit?what=signin&result=wrong", "/admin/audit?user=u77", "/admin/audit?ip=192.0.2.77", "/admin/audit?client=shop", "/admin/reports/evidence",
	} {
		b.Run("GET "+path, func(b *testing.B) {
			for b.Loop() {
				if status, body, _ := desk.do(w, http.MethodGet, path); status != http.StatusOK {
					b.Fatalf("%d: %.200s", status, body)
				}
			}
		})
	}
	for _, path := range []string{"/admin/users/export", "/admin/audit/export"} {
		b.Run("POST "+path, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(desk.download(b, w, path))/1e6, "MB")
			}
		})
	}
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// download reads an export to its end and returns its size in bytes.
func (s *sitter) download(b *testing.B, w *world, path string) (size int64) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, w.url+path, strings.NewReader("csrf="+s.csrf+"&format=csv"))
	w.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := (&http.Client{Jar: s.client.Jar, CheckRedirect: s.client.CheckRedirect}).Do(req)
	w.must(err)
	defer res.Body.Close()
	size, err = io.Copy(io.Discard, res.Body)
	w.must(err)
	if res.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d", path, res.StatusCode)
	}
	return size
}

// crowd writes people and a log straight into the database, as a few years would
// have: a third internal, most with a factor, half never seen, sign-ins over 400
// days. Seals and the chain are left out: nothing here reads them.
func (w *world) crowd(people, events int) {
	w.t.Helper()
	w.must(w.db.Policies.Apply(w.t.Context(), []policy.Policy{{
		Name: "portal", Enabled: true, Whom: policy.Whom{Kind: "portal"}, What: policy.What{
			Assurance: policy.MFA, Enrolment: policy.Enrolment{Deadline: policy.Date(w.clock().AddDate(0, 0, 9).Format(time.DateOnly))},
		},
	}}))
	conn, err := pgx.Connect(w.t.Context(), w.cfg.Database.URL)
	w.must(err)
	defer conn.Close(context.Background())
	for _, sql := range []string{
		`SET session_replication_role = replica`, // no triggers, no foreign keys: the log refuses what has a place already
		`INSERT INTO user_groups SELECT unnest(ARRAY['customers', 'sales', 'board'])`,
		`CREATE TEMPORARY TABLE crowd AS SELECT n, 'u' || n AS id, 'person' || n || '@example.org' AS login,
			(ARRAY['ada','ben','cora','dan','eva','finn','gina','hans','ida','jon','kim','lea','max','nora','otto','pia','quin','rosa','sam','tess'])[1 + n % 20] AS first,
			(ARRAY['stone','river','field','wood','hill'])[1 + n / 20 % 5] || n % 9 AS last,
			(extract(epoch FROM now()) * 1000)::bigint AS now FROM generate_series(1, $people) n`,
		`INSERT INTO users (id, login, email, email_verified, name, phone, phone_verified, kind, role, locale, profile, password, disabled, epoch, created, updated, sort_name, protected)
			SELECT id, login, login, TRUE, initcap(first || ' ' || last), '', FALSE, CASE WHEN n % 3 = 0 THEN 'internal' ELSE 'portal' END, '', 'en', '{}', 'x', n % 50 = 0, 1, now - 1e10::bigint, now, first || ' ' || last, n % 5 < 3 FROM crowd`,
		`INSERT INTO identifiers SELECT login, id FROM crowd`,
		`INSERT INTO user_words SELECT word, first || ' ' || last, id FROM crowd, unnest(ARRAY[first, last, login, 'person' || n, 'example.org']) word ON CONFLICT DO NOTHING`,
		`INSERT INTO signins SELECT id, CASE WHEN n % 2 = 0 THEN 0 ELSE now - n % 400 * 86400000::bigint END FROM crowd`,
		`INSERT INTO memberships SELECT id, CASE WHEN n % 3 > 0 THEN 'customers' WHEN n % 1000 = 0 THEN 'board' ELSE 'sales' END FROM crowd`,
		`INSERT INTO credentials (id, subject, kind, label, data, version, created, used) SELECT 'c' || n, id, CASE WHEN n % 7 = 0 THEN 'passkey' ELSE 'totp' END, '', '', 1, now, now FROM crowd WHERE n % 5 < 3`,
		`INSERT INTO events (id, at, what, user_id, actor, client, session, method, ip, agent, result, detail, request, mac, seq, hash)
			SELECT 'e' || lpad(n::text, 10, '0'), (extract(epoch FROM now()) * 1000)::bigint - ($events - n)::bigint * 34560000000 / $events,
				(ARRAY['signin','signin','signin','signin','signout','token','factor.added','session.ended','policy.published','client.updated'])[1 + n % 10],
				'u' || 1 + n * 7919::bigint % $people, '', CASE WHEN n % 4 = 0 THEN 'shop' ELSE 'web' END, 's' || n % 100000, (ARRAY['totp','passkey','password','backup'])[1 + n % 4], '192.0.2.' || n % 250,
				'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', CASE WHEN n % 23 = 0 THEN 'wrong' ELSE 'ok' END, '{}', '', '', n, ''
			FROM generate_series(1, $events) n`,
		`UPDATE audit_chain SET seq = $events`,
		`ANALYZE`,
	} {
		sql = strings.NewReplacer("$people", strconv.Itoa(people), "$events", strconv.Itoa(events)).Replace(sql)
		_, err := conn.Exec(w.t.Context(), sql)
		w.must(err)
	}
}

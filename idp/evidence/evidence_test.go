package evidence_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/evidence"
	"latchkey/idp/figures"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

var auditor = idp.Actor{User: "a", Role: idp.Auditor}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// N-01 to N-04: every figure equals what the database has.
func TestReport(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), clock.Now()
		long := now.Add(-200 * 24 * time.Hour)
		add := func(id string, role idp.Role, made, signedIn time.Time, held ...mfa.Kind) {
			u := idp.User{ID: idp.UserID(id), Login: id, Name: "=" + id, Kind: idp.Internal, Role: role, Created: made, Updated: made}
			must(t, db.Users.Add(ctx, u, []idp.Identifier{{Canonical: id, Skeleton: id}}))
			for _, k := range held {
				must(t, db.Credentials.Save(ctx, mfa.Credential{ID: mfa.CredentialID(id + string(k)), Subject: mfa.SubjectID(id), Kind: k, Created: now, Data: []byte("{}")}))
			}
			if !signedIn.IsZero() {
				n := idp.Session{ID: idp.SessionID(id), Hash: id, User: u.ID, Created: signedIn, Seen: signedIn, Expires: signedIn.Add(time.Hour), Idle: time.Hour}
				must(t, db.Sessions.Open(ctx, n))
			}
		}
		add("olga", idp.Owner, long, now, "passkey")
		add("hugo", idp.HelpDesk, long, now, "totp")
		add("idle", "", long, long.Add(time.Hour), "totp")
		add("never", "", long, time.Time{})
		add("fresh", "", now, time.Time{})
		add("gone", "", long, long)
		must(t, db.Users.SetDisabled(ctx, "gone", true))
		e, over := policy.Except{User: "hugo", Until: "2027-01-31"}, policy.Except{User: "idle", Until: "2026-01-31"}
		s := &evidence.Service{Store: db.Evidence, Figures: db.Figures, Log: db.Log, Now: clock.Now, Sources: evidence.Sources{
			Rules: func(context.Context, idp.Actor) ([]evidence.Rule, []policy.Policy, error) {
				return []evidence.Rule{{Name: "all", Body: "…"}}, []policy.Policy{{Name: "all", Whom: policy.Whom{Everyone: true, Except: []policy.Except{e, over}}}}, nil
			},
			Ways: func(context.Context, idp.Actor) ([]evidence.Way, error) {
				return []evidence.Way{{Connection: "erp", Check: "api_keys", Level: "problem"}}, nil
			},
			Chain: func(context.Context, idp.Actor) (evidence.Chain, error) {
				return evidence.Chain{Rows: 7, Whole: true}, nil
			},
		}}
		_, err := s.Make(ctx, idp.Actor{User: "h", Role: idp.HelpDesk}, "hugo")
		if !errors.Is(err, idp.ErrDenied) { // D-01
			t.Errorf("the help desk makes one: %v", err)
		}
		r, err := s.Make(ctx, auditor, "ada")
		must(t, err)
		all := figures.Find(r.Coverage, figures.All)
		if all.People != 5 || all.Ready != 3 || all.Resistant != 1 || all.Never != 2 || all.Stale != 1 {
			t.Errorf("%+v", all)
		}
		if len(r.Staff) != 2 || r.Staff[0].Login != "olga" || !r.Staff[0].Resistant || r.Staff[1].Resistant || r.Staff[1].Factors[0] != "totp" || !r.Staff[0].SignedIn.Equal(now) {
			t.Errorf("%+v", r.Staff)
		}
		if r.IdleAll != 2 || len(r.Idle) != 2 || r.Idle[0].Login != "never" || r.Idle[1].Login != "idle" || r.Disabled != 1 {
			t.Errorf("%d %+v", r.IdleAll, r.Idle)
		}
		if len(r.Exempt) != 2 || r.Exempt[0].Over || !r.Exempt[1].Over {
			t.Errorf("%+v", r.Exempt)
		}
		found := 0
		must(t, db.Log.Events(ctx, idp.EventQuery{What: []string{"report.make"}}, func(idp.Event) error { found++; return nil }))
		if found != 1 {
			t.Errorf("%d events", found)
		}
		var out bytes.Buffer
		must(t, evidence.WriteCSV(&out, r))
		lines, err := csv.NewReader(&out).ReadAll()
		must(t, err)
		for _, line := range lines {
			for _, cell := range line {
				if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) { // D-11
					t.Errorf("a formula: %q", line)
				}
			}
		}
		if len(lines) < 20 {
			t.Errorf("%d lines", len(lines))
		}
	})
}

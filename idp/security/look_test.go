package security_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa/policy"
)

// The banner says what policy wants beyond what somebody has, and from when on.
func TestBanner(t *testing.T) {
	h, ctx := open(t), t.Context()
	day := func(n int) policy.Date {
		return policy.Date(h.clock.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly))
	}
	bare, app := h.add("bare", "", ""), h.user(h.add("app", secret, "").ID)
	for name, c := range map[string]struct {
		what  policy.What
		u     idp.User
		level security.Level
		days  int
	}{
		"nothing is wanted, nothing is there": {policy.What{}, bare, security.Recommended, 0},
		"nothing is wanted":                   {policy.What{}, app, "", 0},
		"wanted":                              {policy.What{Assurance: policy.MFA}, bare, security.Overdue, 0},
		"wanted and there":                    {policy.What{Assurance: policy.MFA}, app, "", 0},
		"wanted in ten days":                  {policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{Deadline: day(10)}}, bare, security.Deadline, 10},
		"wanted tomorrow":                     {policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{Deadline: day(1)}}, bare, security.Deadline, 1},
		"something better is wanted":          {policy.What{Assurance: policy.PhishingResistant, Enrolment: policy.Enrolment{Deadline: day(3)}}, app, security.Deadline, 3},
		"wanted in ten days and there":        {policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{Deadline: day(10)}}, app, "", 0},
		"days of grace":                       {policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 5}}, bare, security.Deadline, 5},
	} {
		c.what.Banner = map[string]string{"en": "Please."}
		h.demand(c.what)
		o, err := h.Overview(ctx, h.sit(c.u, idp.Password, "totp"), c.u.ID)
		h.must(err)
		switch {
		case c.level == "" && o.Banner != nil:
			t.Errorf("%s: %+v", name, o.Banner)
		case c.level != "" && (o.Banner == nil || o.Banner.Level != c.level || o.Banner.Days != c.days || len(o.Banner.Own) != 1):
			t.Errorf("%s: %+v", name, o.Banner)
		}
	}
}

// M-12: the overview tells names and dates, and nothing that a factor is made of.
func TestOverviewHasNoSecrets(t *testing.T) {
	h, ctx := open(t), t.Context()
	ada := h.user(h.add("ada", secret, "").ID)
	by := h.sit(ada, idp.Password, "totp")
	codes := h.newSet(by)
	h.sit(ada, idp.Password)
	h.trust(ada)
	o, err := h.Overview(ctx, by, ada.ID)
	h.must(err)
	if len(o.Factors) != 2 || o.CodesLeft() != 10 || len(o.Devices) != 1 || len(o.Sessions) != 3 || !o.On {
		t.Errorf("%+v", o)
	}
	if n := slices.IndexFunc(o.Sessions, func(s security.Session) bool { return s.Current }); n < 0 || o.Sessions[n].ID != by.Session {
		t.Error("the own session is not marked")
	}
	said := fmt.Sprintf("%+v", o.Factors)
	for _, s := range append(codes, secret) {
		if strings.Contains(said, s) {
			t.Errorf("tells %q", s)
		}
	}
}

// D-12: the last ten sign-ins, the whole history page by page, and nobody else's.
func TestHistory(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada, eve := h.add("ada", "", ""), h.add("eve", "", "")
		put := func(u idp.User, i int, what, result string) {
			h.clock.Pass(time.Second)
			h.must(h.db.Log.Append(ctx, idp.Event{
				ID: fmt.Sprintf("%s-%03d", u.Login, i), At: h.clock.Now(), What: what, User: u.ID, Actor: u.ID, Result: result, Method: "totp",
				Origin: idp.Origin{Address: "203.0.113.7", Agent: "Firefox"},
			}))
		}
		for i := range 60 {
			put(ada, i, []string{"signin", "signin.password", "factor.add"}[i%3], []string{"ok", "wrong"}[i%2])
			put(eve, i, "signin", "ok")
			put(ada, i+100, "signin.password", "ok") // on the way to another line
		}
		h.must(h.db.Log.Append(ctx, idp.Event{ID: "help", At: h.clock.Now(), What: "factor.reset", User: ada.ID, Actor: eve.ID, Result: "ok", Origin: idp.Origin{Address: "198.51.100.1"}}))
		by := h.sit(ada, idp.Password)
		var ids []string
		pages := 0
		for before := (idp.Cursor{}); ; pages++ {
			lines, next, err := h.History(ctx, by, ada.ID, before, 7)
			h.must(err)
			for _, l := range lines {
				if l.User != ada.ID || l.What == "signin.password" && l.Result == "ok" {
					t.Errorf("shows %+v", l.Event)
				}
				if l.ID == "help" && (!l.Other || l.Origin.Address != "") {
					t.Errorf("tells where an administrator sits: %+v", l)
				}
				ids = append(ids, l.ID)
			}
			if next.At.IsZero() || pages > 40 {
				break
			}
			before = next
		}
		want := 1 // the administrator's
		for i := range 60 {
			if i%3 != 1 || i%2 == 1 {
				want++
			}
		}
		unique := slices.Compact(slices.Sorted(slices.Values(ids)))
		if len(ids) != want || len(unique) != want || ids[0] != "help" {
			t.Errorf("%d lines, %d different, want %d: %q", len(ids), len(unique), want, ids)
		}
		o, err := h.Overview(ctx, by, ada.ID)
		h.must(err)
		if len(o.Recent) != 10 || slices.ContainsFunc(o.Recent, func(l security.Line) bool { return l.What != "signin" && l.What != "signin.password" }) {
			t.Errorf("%d sign-ins: %+v", len(o.Recent), o.Recent)
		}
	})
}

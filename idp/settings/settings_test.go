package settings_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/sms"
)

var (
	admin   = idp.Actor{User: "a", Role: idp.Admin}
	auditor = idp.Actor{User: "b", Role: idp.Auditor}
	owner   = idp.Actor{User: "o", Role: idp.Owner}
	helper  = idp.Actor{User: "c", Role: idp.HelpDesk}
)

func each(t *testing.T, f func(t *testing.T, db *store.DB, s *settings.Service)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		f(t, db, &settings.Service{Store: db.Settings, Log: db.Log, Atomic: db.Atomic, Now: clock.Now})
	})
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func TestHouse(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *settings.Service) {
		ctx := t.Context()
		h, v, err := s.Read(ctx, auditor)
		if err != nil || v != 0 || h != (settings.House{Assurance: idp.AAL2}) {
			t.Fatalf("%+v, %d, %v", h, v, err)
		}
		_, _, err = s.Read(ctx, helper)
		wantErr(t, err, idp.ErrDenied) // D-01
		wantErr(t, s.Change(ctx, auditor, 0, h), idp.ErrDenied)
		wantErr(t, s.Change(ctx, admin, 0, settings.House{Assurance: "aal9"}), idp.ErrInvalid)
		wantErr(t, s.Change(ctx, admin, 0, settings.House{Sessions: 101}), idp.ErrInvalid)
		next := settings.House{Assurance: idp.PhishingResistant, SecondApprover: true, Sessions: 3}
		// Of many at once one wins, and the others are told.
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := s.Change(ctx, admin, 0, next); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, idp.ErrSpent):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, v, err := s.Read(ctx, admin)
		if err != nil || won.Load() != 1 || v != 1 || got != next {
			t.Errorf("%d won: %+v, %d, %v", won.Load(), got, v, err)
		}
		var detail map[string]string
		err = db.Log.Events(ctx, idp.EventQuery{What: []string{"settings.change"}}, func(e idp.Event) error { detail = e.Detail; return nil })
		if err != nil || detail["assurance.before"] != idp.AAL2 || detail["assurance.after"] != idp.PhishingResistant || detail["sessions.after"] != "3" {
			t.Errorf("%v, %v", detail, err) // D-07
		}
	})
}

// P-29, D-02: only who may register applications lets others do so.
func TestHouseOfStrangers(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *settings.Service) {
		ctx := t.Context()
		half := idp.Actor{User: "a", Role: idp.Admin, Scopes: []idp.Right{idp.SeeHouse, idp.EditHouse}}
		wantErr(t, s.Change(ctx, half, 0, settings.House{SelfClients: settings.SelfOpen}), idp.ErrDenied)
		wantErr(t, s.Change(ctx, half, 0, settings.House{SelfClientsMost: 5000}), idp.ErrDenied)
		wantErr(t, s.Change(ctx, half, 0, settings.House{Sessions: 3, SelfClientsMost: settings.DefaultSelfClients}), nil)
		wantErr(t, s.Change(ctx, admin, 1, settings.House{Sessions: 3, SelfClients: settings.SelfToken, SelfClientsMost: 10}), nil)
		wantErr(t, s.Change(ctx, half, 2, settings.House{Sessions: 4, SelfClients: settings.SelfToken, SelfClientsMost: 10}), nil)
		wantErr(t, s.Change(ctx, half, 3, settings.House{Sessions: 4}), idp.ErrDenied)
	})
}

// D-06, C-03: what is secret about a gateway is sealed, never shown, and never
// overwritten by what is shown.
func TestGateways(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *settings.Service) {
		ctx := t.Context()
		token := "the-very-secret-token-of-twilio"
		twilio := settings.Gateway{Name: "Twilio", Type: "twilio", Prefixes: []string{"+1"}, Values: map[string]string{
			"account": "AC" + strings.Repeat("a", 32), "token": token, "from": "+15005550006",
		}}
		_, err := s.PutGateway(ctx, auditor, twilio)
		wantErr(t, err, idp.ErrDenied)
		bad := twilio
		bad.Values = map[string]string{"account": "no"}
		_, err = s.PutGateway(ctx, admin, bad)
		wantErr(t, err, idp.ErrInvalid)
		if ms := (sms.Mistakes)(nil); !errors.As(err, &ms) || len(ms) < 2 {
			t.Errorf("%v", err)
		}
		_, err = s.PutGateway(ctx, admin, settings.Gateway{Name: "x", Type: "log"})
		wantErr(t, err, idp.ErrInvalid) // T-08
		id, err := s.PutGateway(ctx, admin, twilio)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := s.ListGateways(ctx, auditor)
		if err != nil || len(shown) != 1 || shown[0].Values["token"] != "set" || shown[0].Values["from"] != "+15005550006" {
			t.Errorf("%+v, %v", shown, err)
		}
		_, err = s.ListGateways(ctx, helper)
		wantErr(t, err, idp.ErrDenied)
		// Without the secret it stays; the list is nobody else's to change through what was shown.
		change := shown[0]
		change.Values["token"], change.Values["from"] = "", "+15005550007"
		if _, err := s.PutGateway(ctx, admin, change); err != nil {
			t.Fatal(err)
		}
		all, _, err := s.Gateways(ctx)
		if err != nil || all[0].Values["token"] != token || all[0].Values["from"] != "+15005550007" || all[0].ID != id {
			t.Errorf("%+v, %v", all, err)
		}
		second, err := s.PutGateway(ctx, admin, settings.Gateway{Name: "Own", Type: "http", Values: map[string]string{"url": "https://sms.example.org/"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.FirstGateway(ctx, admin, second); err != nil {
			t.Fatal(err)
		}
		if all, _, _ := s.Gateways(ctx); all[0].ID != second || all[1].ID != id {
			t.Errorf("%+v", all)
		}
		wantErr(t, s.RemoveGateway(ctx, admin, "none"), idp.ErrNotFound)
		if err := s.RemoveGateway(ctx, admin, second); err != nil {
			t.Fatal(err)
		}
		var said []string
		err = db.Log.Events(ctx, idp.EventQuery{}, func(e idp.Event) error {
			for _, v := range e.Detail {
				if strings.Contains(v, token) {
					t.Errorf("the log tells the token: %v", e)
				}
			}
			said = append(said, e.What)
			return nil
		})
		if err != nil || len(said) != 5 {
			t.Errorf("%v, %v", said, err)
		}
	})
}

// M-10, D-03: one stolen account of an administrator does not take away what
// guards against it.
func TestOnlyOwnersWeaken(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *settings.Service) {
		ctx := t.Context()
		strong := settings.House{Assurance: idp.PhishingResistant, SecondApprover: true}
		for v, by := range []idp.Actor{owner, {Host: true}} {
			v := int64(2 * v)
			wantErr(t, s.Change(ctx, admin, v, strong), nil) // whoever strengthens may be an admin
			for _, weaker := range []settings.House{{SecondApprover: true}, {Assurance: idp.AAL2, SecondApprover: true}, {Assurance: idp.PhishingResistant}} {
				err := s.Change(ctx, admin, v+1, weaker)
				if denied := (*idp.DeniedError)(nil); !errors.As(err, &denied) {
					t.Errorf("%+v: %v", weaker, err)
				}
			}
			if now, _ := s.House(ctx); now != strong {
				t.Errorf("%+v", now)
			}
			wantErr(t, s.Change(ctx, by, v+1, settings.House{}), nil)
		}
	})
}

// D-06: a secret does not follow when the address or the request changes.
func TestSecretStaysWithItsAddress(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *settings.Service) {
		own := map[string]any{"method": "POST", "headers": map[string]any{"X-Key": "{token}"}, "status": []any{200}}
		twilio := settings.Gateway{Name: "Twilio", Type: "twilio", Values: map[string]string{"account": "AC" + strings.Repeat("a", 32), "token": "hush", "from": "+15005550006"}}
		open := settings.Gateway{Name: "Own", Type: "http", Own: own, Values: map[string]string{"url": "https://sms.example.org/", "token": "hush"}}
		for _, g := range []*settings.Gateway{&twilio, &open} {
			id, err := s.PutGateway(t.Context(), admin, *g)
			wantErr(t, err, nil)
			g.ID = id
		}
		with := func(g settings.Gateway, own map[string]any, values ...string) settings.Gateway {
			g.Own, g.Values = own, maps.Clone(g.Values)
			for i := 0; i < len(values); i += 2 {
				g.Values[values[i]] = values[i+1]
			}
			return g
		}
		const evil = "https://evil.example.com"
		for name, c := range map[string]struct {
			change settings.Gateway
			wrong  []string
		}{
			"another host":         {with(twilio, nil, "token", "", "host", evil), []string{"token"}},
			"another address":      {with(open, own, "token", "", "url", evil), []string{"token"}},
			"another request":      {with(open, map[string]any{"method": "GET"}, "token", "", "url", ""), []string{"token", "url"}},
			"given again":          {with(open, own, "token", "hush", "url", "https://new.example.org"), nil},
			"the same":             {with(open, own, "token", "", "url", ""), nil},
			"neither of them":      {with(twilio, nil, "token", "", "from", "+15005550007"), nil},
			"the host is the same": {with(twilio, nil, "token", "", "host", ""), nil},
		} {
			_, err := s.PutGateway(t.Context(), admin, c.change)
			var ms sms.Mistakes
			errors.As(err, &ms)
			var wrong []string
			for _, m := range ms {
				wrong = append(wrong, m.Setting)
			}
			if !slices.Equal(wrong, c.wrong) || (err != nil) != (c.wrong != nil) || err != nil && !errors.Is(err, idp.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		all, _, err := s.Gateways(t.Context())
		if err != nil || all[0].Values["token"] != "hush" || all[1].Values["token"] != "hush" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

type gateway struct{ sent int }

func (g *gateway) Send(context.Context, sms.Message) (sms.Receipt, error) {
	g.sent++
	if g.sent == 1 {
		return sms.Receipt{}, sms.ErrRefused
	}
	return sms.Receipt{Gateway: "Main"}, nil
}

// B-11, D-07: tests are few, and recorded without the number.
func TestTests(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *settings.Service) {
		s.Limiter = db.Limiter
		ctx, out := t.Context(), &gateway{}
		_, err := s.Test(ctx, auditor, out, "+33612345678", "x")
		wantErr(t, err, idp.ErrDenied)
		_, err = s.Test(ctx, admin, out, "+33612345678", "x")
		wantErr(t, err, sms.ErrRefused)
		for range 8 {
			_, err = s.Test(ctx, admin, out, "+33612345678", "x")
			wantErr(t, err, nil)
		}
		wantErr(t, s.TestMail(ctx, admin, func() error { return nil }), nil)
		_, err = s.Test(ctx, admin, out, "+33612345678", "x")
		wantErr(t, err, mfa.ErrLocked)
		_, err = s.Test(ctx, owner, out, "+33612345678", "x")
		wantErr(t, err, nil)
		results := map[string]int{}
		wantErr(t, db.Log.Events(ctx, idp.EventQuery{}, func(e idp.Event) error {
			results[e.What+" "+e.Result+" "+e.Detail["country"]]++
			return nil
		}), nil)
		want := map[string]int{"gateway.test failed +33": 1, "gateway.test ok +33": 9, "mail.test ok ": 1}
		if out.sent != 10 || !maps.Equal(results, want) {
			t.Errorf("%d, %v", out.sent, results)
		}
	})
}

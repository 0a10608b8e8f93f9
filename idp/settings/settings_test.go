package settings_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/sms"
)

var (
	admin   = idp.Actor{User: "a", Role: idp.Admin}
	auditor = idp.Actor{User: "b", Role: idp.Auditor}
	helper  = idp.Actor{User: "c", Role: idp.HelpDesk}
)

func each(t *testing.T, f func(t *testing.T, db *store.DB, s *settings.Service)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		f(t, db, &settings.Service{Store: db.Settings(), Log: db.Log(), Atomic: db.Atomic, Now: clock.Now})
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
		err = db.Log().Events(ctx, idp.EventQuery{What: []string{"settings.change"}}, func(e idp.Event) error { detail = e.Detail; return nil })
		if err != nil || detail["assurance.before"] != idp.AAL2 || detail["assurance.after"] != idp.PhishingResistant || detail["sessions.after"] != "3" {
			t.Errorf("%v, %v", detail, err) // D-07
		}
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
		err = db.Log().Events(ctx, idp.EventQuery{}, func(e idp.Event) error {
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

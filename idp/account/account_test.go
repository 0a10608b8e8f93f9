package account_test

import (
	"errors"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/password"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
	"latchkey/mfa/temporary"
	"latchkey/mfa/totp"
	"latchkey/ui/message"
)

var host = idp.Actor{Host: true}

func service(t *testing.T, db *store.DB) *account.Service {
	t.Helper()
	return serviceAt(t, db, storetest.NewClock())
}

func serviceAt(t *testing.T, db *store.DB, clock *storetest.Clock) *account.Service {
	t.Helper()
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	factors := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now}
	factors.Register(totp.Factor{Issuer: "Latchkey", Now: clock.Now}, backup.Factor{Hash: hasher.Key}, temporary.Factor{Hash: hasher.Key, Now: clock.Now})
	return &account.Service{
		Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Factors: factors, Passwords: hasher,
		Log: db.Log, Policies: db.Policies, Atomic: db.Atomic, Now: clock.Now, MinPassword: 15, Words: []string{"Latchkey"},
		Notify: &message.Notices{Outbox: db.Outbox(), Links: db.Links, Issuer: "https://id.example.org", Brand: "Latchkey", Now: clock.Now},
		Locks:  db.Locks, Links: db.Links, Owners: db.Owners,
	}
}

// logins and e-mails share one name space; look-alikes are refused.
func TestNamesAreUnique(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := service(t, db), t.Context()
		if _, err := s.Add(ctx, host, account.New{Login: "rac", Email: "Ada@Example.org"}); err != nil {
			t.Fatal(err)
		}
		for name, in := range map[string]account.New{
			"same e-mail, other case":         {Email: "ADA@example.org"},
			"same e-mail, full width":         {Login: "bob1", Email: "ada@example.org"},
			"somebody's e-mail as a login":    {Login: "ada@EXAMPLE.org", Email: "eve@example.org"},
			"same login, folded":              {Login: " RAC "},
			"a login that looks the same":     {Login: "гас"},
			"an e-mail that looks the same":   {Login: "eve2", Email: "\u0430\u0501\u0430@example.org"},
			"a login in letters of full size": {Login: "ｒａｃ"},
		} {
			if _, err := s.Add(ctx, host, in); !errors.Is(err, idp.ErrTaken) && !errors.Is(err, idp.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		us, err := db.Users.List(ctx, idp.UserQuery{})
		if err != nil || len(us) != 1 {
			t.Errorf("%d people, %v; a refused one left something behind", len(us), err)
		}
	})
}

// how long a password must be depends on whether it stands alone.
func TestPasswordLength(t *testing.T) {
	db := storetest.Open(t)
	s, ctx := service(t, db), t.Context()
	add := func(login, plain string, change func(*account.New)) error {
		in := account.New{Login: login, Password: plain}
		if change != nil {
			change(&in)
		}
		_, err := s.Add(ctx, host, in)
		return err
	}
	portal := func(in *account.New) { in.Kind = idp.Portal }
	app := func(in *account.New) { in.TOTPSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" }
	if err := add("a1", "qz7-Wolke", nil); !errors.Is(err, idp.ErrInvalid) {
		t.Errorf("9 characters as the only factor: %v", err)
	}
	if err := add("a2", "qz7-Wolke", app); err != nil {
		t.Errorf("9 characters beside an app: %v", err)
	}
	err := db.Policies.Apply(ctx, []policy.Policy{{Name: "p", Enabled: true, Whom: policy.Whom{Kind: "portal"}, What: policy.What{Assurance: policy.MFA}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := add("a3", "qz7-Wolke", portal); err != nil {
		t.Errorf("9 characters where a policy demands a second factor: %v", err)
	}
	roles := policy.Policy{Name: "r", Enabled: true, Whom: policy.Whom{Administrators: true}, What: policy.What{Assurance: policy.MFA}}
	if err := db.Policies.Apply(ctx, []policy.Policy{roles}); err != nil { // M-15
		t.Fatal(err)
	}
	for role, want := range map[idp.Role]error{"": idp.ErrInvalid, idp.HelpDesk: nil, idp.Owner: nil} {
		if err := add("a5"+string(role), "qz7-Wolke", func(in *account.New) { in.Role = role }); !errors.Is(err, want) {
			t.Errorf("9 characters of role %q: %v, want %v", role, err, want)
		}
	}
	for _, plain := range []string{"short-7", "password1234567", "latchkeylatchkey"} {
		if err := add("a4", plain, portal); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v", plain, err)
		}
	}
}

// D-13, S-05, M-10: disabling and resetting end everything at once; nobody but
// the host's command line may do it yet.
func TestDisableAndReset(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := service(t, db), t.Context()
		u, err := s.Add(ctx, host, account.New{Login: "ada", TOTPSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", Groups: []string{"b", "a", "a"}})
		if err != nil {
			t.Fatal(err)
		}
		open := func(id idp.SessionID) {
			t.Helper()
			if err := db.Sessions.Open(ctx, idp.Session{ID: id, Hash: string(id), User: u.ID, Created: s.Now(), Seen: s.Now(), Expires: s.Now().Add(1e12), Idle: 1e12}); err != nil {
				t.Fatal(err)
			}
		}
		open("s1")
		if err := s.Disable(ctx, idp.Actor{User: u.ID}, u.ID); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("somebody else's Disable: %v", err)
		}
		if err := s.Disable(ctx, host, u.ID); err != nil {
			t.Fatal(err)
		}
		after, err := db.Users.ByID(ctx, u.ID)
		if err != nil || !after.Disabled || after.Epoch <= u.Epoch {
			t.Errorf("after Disable: %+v, %v", after, err)
		}
		if ss, _ := db.Sessions.Of(ctx, u.ID); len(ss) != 0 {
			t.Errorf("%d sessions are left", len(ss))
		}
		if err := s.Enable(ctx, host, u.ID); err != nil {
			t.Fatal(err)
		}
		open("s2")
		if err := s.ResetFactors(ctx, host, u.ID); err != nil {
			t.Fatal(err)
		}
		reset, err := db.Users.ByID(ctx, u.ID)
		if err != nil || len(reset.Factors) != 0 || reset.Epoch <= after.Epoch || len(reset.Groups) != 2 {
			t.Errorf("after ResetFactors: %+v, %v", reset, err)
		}
		if ss, _ := db.Sessions.Of(ctx, u.ID); len(ss) != 0 {
			t.Errorf("%d sessions are left after the reset", len(ss))
		}
	})
}

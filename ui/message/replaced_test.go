package message_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/mail"
	"latchkey/idp/password"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/totp"
	"latchkey/ui/message"
)

// desk is who invites and helps, over a real outbox.
type desk struct {
	*account.Help
	t  *testing.T
	db *store.DB
}

func eachDesk(t *testing.T, f func(t *testing.T, d *desk, clock *storetest.Clock)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		engine := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now}
		engine.Register(totp.Factor{Issuer: "Latchkey", Now: clock.Now})
		letters := &message.Notices{Outbox: db.Outbox(), Links: db.Links, Issuer: "https://id.example.org", Brand: "Latchkey", Now: clock.Now}
		accounts := &account.Service{
			Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Factors: engine, Log: db.Log, Policies: db.Policies, Atomic: db.Atomic, Now: clock.Now,
			Passwords: password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0), MinPassword: 15, Locks: db.Locks, Links: db.Links, Owners: db.Owners, Notify: letters,
		}
		f(t, &desk{&account.Help{Service: accounts, Letters: letters, Limiter: db.Limiter}, t, db}, clock)
	})
}

var shell = idp.Actor{Host: true}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// sent are the links that a sender would mail now; each is then gone.
func (d *desk) sent() (links []string) {
	d.t.Helper()
	for {
		all, err := d.db.Outbox().Claim(d.t.Context(), 10, time.Minute)
		d.must(err)
		if len(all) == 0 {
			return links
		}
		for _, m := range all {
			d.must(d.db.Outbox().Done(d.t.Context(), m))
			for _, kind := range []string{"invite", "recover", "enrol", "verify"} {
				if _, rest, is := strings.Cut(m.Text, "https://id.example.org/"+kind+"/"); is {
					token, _, _ := strings.Cut(rest, "\n")
					links = append(links, kind+" "+token)
				}
			}
		}
	}
}

// states are what the log of deliveries says, newest first.
func (d *desk) states(failed bool) (out []mail.State) {
	d.t.Helper()
	all, err := d.db.Deliveries.Deliveries(d.t.Context(), mail.DeliveryQuery{Limit: 20, Failed: failed})
	d.must(err)
	for _, one := range all {
		out = append(out, one.State())
	}
	return out
}

func (d *desk) person(login string, change ...func(*account.New)) idp.User {
	d.t.Helper()
	in := account.New{Login: login, Email: login + "@example.com", Name: login, Verified: true}
	for _, f := range change {
		f(&in)
	}
	u, err := d.Service.Add(d.t.Context(), shell, in)
	d.must(err)
	return u
}

// E-04: what waits to be sent while a newer link replaces it does not go out:
// its link is dead. The log of deliveries says so, and calls it no failure.
func TestReplacedLinksAreNotMailed(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk, clock *storetest.Clock) {
		ctx := t.Context()
		ada, other := d.person("ada"), d.person("bob")
		known := d.person("eve", func(in *account.New) {
			in.Password, in.TOTPSecret = "a lantern in the harbour", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
		})
		d.sent()
		var last account.Invitation
		for range 3 {
			clock.Pass(time.Hour)
			var err error
			last, err = d.Invitations().Invite(ctx, shell, ada.ID, account.Invite{})
			d.must(err)
		}
		bobs, err := d.Invitations().Invite(ctx, shell, other.ID, account.Invite{})
		d.must(err)
		if got, want := d.states(false), []mail.State{mail.Waiting, mail.Waiting, mail.Obsolete, mail.Obsolete}; !sameStates(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if got := d.states(true); len(got) > 0 {
			t.Errorf("replaced is called a failure: %v", got)
		}
		if got := d.sent(); len(got) != 2 || !slices.Contains(got, "invite "+last.Token) || !slices.Contains(got, "invite "+bobs.Token) {
			t.Errorf("mailed %v", got)
		}
		// One that is sent stays what it is.
		_, err = d.Invitations().Invite(ctx, shell, ada.ID, account.Invite{})
		d.must(err)
		if got := d.states(false); slices.Index(got, mail.Sent) < 0 || countStates(got, mail.Obsolete) != 2 {
			t.Errorf("%v", got)
		}
		d.sent()

		// Of two purposes each has its own.
		for range 2 {
			clock.Pass(time.Hour)
			_, err := d.Recovery().Send(ctx, known, shell)
			d.must(err)
			_, err = d.EnrolLink(ctx, shell, known.ID, "totp", 0)
			d.must(err)
		}
		got := d.sent()
		slices.Sort(got)
		if len(got) != 2 || !strings.HasPrefix(got[0], "enrol ") || !strings.HasPrefix(got[1], "recover ") {
			t.Errorf("mailed %v", got)
		}
	})
}

// E-04, E-10: nor does one whose link was taken away without another: the
// account is disabled, its address changed, or the invitation handed over.
func TestWithdrawnLinksAreNotMailed(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk, _ *storetest.Clock) {
		ctx := t.Context()
		off, moved, handed := d.person("off"), d.person("moved"), d.person("handed", func(in *account.New) { in.Verified = false })
		d.sent()
		for _, u := range []idp.User{off, moved, handed} {
			_, err := d.Invitations().Invite(ctx, shell, u.ID, account.Invite{})
			d.must(err)
		}
		d.must(d.Service.Disable(ctx, shell, off.ID))
		address := "elsewhere@example.com"
		_, err := d.Service.Update(ctx, shell, moved.ID, account.Change{Email: &address})
		d.must(err)
		_, err = d.Invitations().Invite(ctx, shell, handed.ID, account.Invite{ByHand: true})
		d.must(err)
		if got := countStates(d.states(false), mail.Withdrawn); got != 3 {
			t.Errorf("%d withdrawn: %v", got, d.states(false))
		}
		if got := d.sent(); len(got) > 0 {
			t.Errorf("mailed %v", got)
		}
	})
}

func sameStates(a, b []mail.State) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func countStates(all []mail.State, s mail.State) (n int) {
	for _, one := range all {
		if one == s {
			n++
		}
	}
	return n
}

package message_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/ui/locale"
	"latchkey/ui/message"
)

// E-05, E-09, E-11: what goes to an address that nobody has proven is whole in
// every language, and to a stranger it says nothing of the person.
func TestUnprovenAddresses(t *testing.T) {
	for _, l := range locale.Languages() {
		p, _ := locale.Find(l.Tag)
		u := ada
		u.Locale, u.Name, u.EmailVerified = l.Tag, "Buy at http://evil.example", false
		u.Login = "ada.lovelace" // "ada" is in many a Spanish word
		invite, verify := letter(idp.LinkInvite, ""), letter(idp.LinkVerify, "")
		invite.To, verify.To = ada.Email, "new@example.org"
		invite.Client, verify.Client = "Atelier\r\nMartin", "Atelier" // of which a stranger is not told
		box := &kept{}
		s := notices(box)
		for _, err := range []error{s.Letter(t.Context(), u, invite), s.Letter(t.Context(), u, verify), s.Unusable(t.Context(), u, "new@example.org")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range [][]string{
			{"https://id.example.org/invite/t0ken", p.T("mail.invite.next"), p.T("mail.invite.go"), p.T("mail.client"), "Atelier Martin", u.Name, u.Login, p.DateTime(invite.Link.Expires)},
			{"https://id.example.org/verify/t0ken", p.T("mail.verify.next"), p.T("mail.verify.go"), p.DateTime(verify.Link.Expires)},
			{"https://id.example.org/login", p.T("mail.unusable.next"), p.T("mail.unusable.go")},
		} {
			m := box.all[i]
			if err := m.Check(); err != nil || m.To != []string{ada.Email, "new@example.org", "new@example.org"}[i] {
				t.Errorf("to %s, %v", m.To, err)
			}
			for _, w := range want {
				if !strings.Contains(m.Text, w) {
					t.Errorf("%s %d lacks %q:\n%s", l.Tag, i, w, m.Text)
				}
			}
			if holes.MatchString(m.Text) || strings.Contains(m.Text, "%!") {
				t.Errorf("%s has holes:\n%s", l.Tag, m.Text)
			}
			for _, secret := range []string{"Atelier", u.Name, u.Login, "192.0.2.7", ada.Email} {
				if i > 0 && strings.Contains(m.Subject+m.Text+m.HTML, secret) {
					t.Errorf("%s %d tells a stranger %q:\n%s", l.Tag, i, secret, m.Text)
				}
			}
		}
	}
}

// kept is an outbox that remembers.
type kept struct{ all []mail.Message }

func (k *kept) Put(_ context.Context, m mail.Message) error {
	k.all = append(k.all, m)
	return nil
}

// The desk is told who wants to go, and nobody is where nobody is named.
func TestClosing(t *testing.T) {
	box := &kept{}
	for _, admin := range []string{"", "desk@example.org"} {
		if err := (message.Desk{Notices: notices(box), Admin: admin}).ClosingAsked(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
	}
	if len(box.all) != 1 || box.all[0].To != "desk@example.org" || !strings.Contains(box.all[0].Text, ada.Login) || !strings.Contains(box.all[0].Text, string(ada.ID)) {
		t.Fatalf("%+v", box.all)
	}
}

func letter(p idp.Purpose, k mfa.Kind) idp.Letter {
	return idp.Letter{
		Link: idp.Link{Purpose: p, Expires: clock.Now().Add(p.Life())}, Token: "t0ken", Method: k, Origin: idp.Origin{Address: "192.0.2.7", Agent: firefox},
	}
}

// E-05, M-08: a letter is whole in every language, its link is built from the
// configured address, and it holds no secret but the link.
func TestEveryLetter(t *testing.T) {
	for _, l := range locale.Languages() {
		p, _ := locale.Find(l.Tag)
		for _, c := range []struct {
			letter idp.Letter
			want   []string
		}{
			{letter(idp.LinkEnrol, "totp"), []string{"https://id.example.org/enrol/t0ken", p.T("mail.enrol.next_totp"), p.T("mail.enrol.go")}},
			{letter(idp.LinkEnrol, "sms"), []string{"https://id.example.org/enrol/t0ken", p.T("mail.enrol.next_sms")}},
			{letter(idp.LinkEnrol, "passkey"), []string{"https://id.example.org/enrol/t0ken", p.T("mail.enrol.next_passkey")}},
			{letter(idp.LinkRecover, ""), []string{"https://id.example.org/recover/t0ken", p.T("mail.recover.next"), p.T("mail.recover.go")}},
		} {
			u := ada
			u.Locale = l.Tag
			m, err := notices(nil).ComposeLetter(u, c.letter)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Check(); err != nil || m.To != ada.Email {
				t.Errorf("to %s, %v", m.To, err)
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			if n := doc.Find("a").Length(); n != 1 {
				t.Errorf("%d links", n)
			}
			for _, body := range []string{m.Text, doc.Text()} {
				for _, want := range append(c.want, "Ada Lovelace", p.DateTime(c.letter.Link.Expires), "192.0.2.7") {
					if !strings.Contains(body, want) {
						t.Errorf("%s %s lacks %q:\n%s", l.Tag, c.letter.Link.Purpose, want, body)
					}
				}
				if holes.MatchString(body) || strings.Contains(body, "%!") {
					t.Errorf("%s has holes:\n%s", l.Tag, body)
				}
			}
			if strings.Contains(m.Subject, "t0ken") {
				t.Errorf("the subject shows the token: %s", m.Subject)
			}
		}
	}
	for _, l := range []idp.Letter{letter(idp.LinkNotMe, ""), letter(idp.LinkEnrol, ""), letter(idp.LinkEnrol, "backup"), letter("", "")} {
		if _, err := notices(nil).ComposeLetter(ada, l); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

// E-06: a letter goes to an address that is known to be the person's, or
// nowhere.
func TestLetterOnlyVerified(t *testing.T) {
	db := storetest.OpenAt(t, clock.Now)
	for _, u := range []idp.User{{ID: "a"}, {ID: "b", Email: "b@example.org"}, {ID: "c", EmailVerified: true}} {
		if err := notices(db.Outbox()).Letter(t.Context(), u, letter(idp.LinkRecover, "")); err != nil {
			t.Fatal(err)
		}
	}
	if n := written(t, db); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// B-12: each notice brings a link of its own that is good once, for the very
// account, and outlives the change that it tells of.
func TestNotMeLink(t *testing.T) {
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if err := db.Users.Add(ctx, ada, nil); err != nil {
			t.Fatal(err)
		}
		s := notices(db.Outbox())
		s.Links = db.Links
		var tokens []string
		for _, k := range []idp.NoticeKind{idp.FactorAdded, idp.PasswordChanged} {
			n := notice(k)
			n.Credential = "c1"
			err := db.Atomic(ctx, func(ctx context.Context) error {
				return errors.Join(db.Users.RaiseEpoch(ctx, ada.ID), s.Notice(ctx, ada, n))
			})
			if err != nil {
				t.Fatal(err)
			}
			clock.Pass(time.Second) // so that the newest is the newest
			box, err := db.Outbox().Newest(ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			found := regexp.MustCompile(`https://id\.example\.org/not-me/([A-Za-z0-9_-]{43})\n`).FindStringSubmatch(box[0].Text)
			if found == nil || slices.Contains(tokens, found[1]) {
				t.Fatalf("no link of its own in\n%s", box[0].Text)
			}
			tokens = append(tokens, found[1])
			l, u, err := db.Links.Get(ctx, idp.LinkNotMe, idp.HashLink(found[1]))
			if err != nil || u.ID != ada.ID || l.Data["kind"] != string(k) || l.Data["credential"] != "c1" || l.Data["email"] != ada.Email ||
				l.Expires.Sub(l.Created) != 7*24*time.Hour {
				t.Errorf("%s: %+v of %s, %v", k, l, u.ID, err)
			}
		}
		// The second change has ended the first one's link.
		if _, _, err := db.Links.Get(ctx, idp.LinkNotMe, idp.HashLink(tokens[0])); !errors.Is(err, idp.ErrExpired) {
			t.Errorf("the first link: %v", err)
		}
	})
}

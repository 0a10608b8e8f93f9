package message_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/ui/locale"
	"latchkey/ui/message"
)

var (
	clock = storetest.NewClock()
	ada   = idp.User{ID: "ada", Login: "ada", Email: "ada@example.org", EmailVerified: true, Name: "Ada Lovelace"}
)

// holes are keys that no language has.
var holes = regexp.MustCompile(`\b(mail|factor)\.[a-z_]`)

const notMe = "https://id.example.org/not-me/token"

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func notices(box message.Outbox) *message.Notices {
	return &message.Notices{Outbox: box, Issuer: "https://id.example.org/", Brand: "Maison Durée", Now: clock.Now}
}

func notice(k idp.NoticeKind) idp.Notice {
	return idp.Notice{Kind: k, At: clock.Now(), Origin: idp.Origin{Address: "192.0.2.7", Agent: firefox}, Method: "totp", Client: "Atelier"}
}

func compose(t *testing.T, u idp.User, n idp.Notice) mail.Message {
	t.Helper()
	m, err := notices(nil).Compose(u, n, notMe)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Every notice is whole in every language: what happened, when, from where,
// what to do, in text and in HTML, with a link of ours (E-05).
func TestEveryNotice(t *testing.T) {
	for _, l := range locale.Languages() {
		p, _ := locale.Find(l.Tag)
		for _, k := range idp.NoticeKinds {
			u := ada
			u.Locale = l.Tag
			m := compose(t, u, notice(k))
			if m.To != ada.Email || !strings.Contains(m.Subject, "Maison Durée") {
				t.Errorf("%s %s: %+v", l.Tag, k, m)
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			if lang, _ := doc.Find("html").Attr("lang"); lang != l.Tag {
				t.Errorf("%s %s: lang=%q", l.Tag, k, lang)
			}
			for i, want := range []string{notMe, "https://id.example.org/my/security"} {
				if href, _ := doc.Find("a").Eq(i).Attr("href"); href != want {
					t.Errorf("%s %s: link %d leads to %q", l.Tag, k, i, href)
				}
			}
			for _, body := range []string{m.Text, doc.Text()} {
				for _, want := range []string{
					"Ada Lovelace", p.T("mail."+string(k)+".text", "Maison Durée"), p.T("mail." + string(k) + ".next"),
					p.DateTime(clock.Now()), "192.0.2.7", p.T("mail.browser_on", "Firefox", "Linux"), "Atelier", p.T("factor.totp.name"),
					"https://id.example.org/my/security", notMe, p.T("mail.not_me"),
				} {
					if !strings.Contains(body, want) {
						t.Errorf("%s %s lacks %q:\n%s", l.Tag, k, want, body)
					}
				}
				if holes.MatchString(body) || strings.Contains(body, "%!") || strings.Contains(body, "%s") {
					t.Errorf("%s %s has holes:\n%s", l.Tag, k, body)
				}
			}
		}
	}
}

// One code of a set was typed; the set is what is added.
func TestMethodNamed(t *testing.T) {
	for kind, want := range map[idp.NoticeKind]string{
		idp.BackupUsed: "Method: Backup code\n", idp.WrongFactor: "Method: Backup code\n", idp.FactorAdded: "Method: Backup codes\n",
	} {
		n := notice(kind)
		n.Method = "backup"
		if m := compose(t, ada, n); !strings.Contains(m.Text, want) {
			t.Errorf("%s lacks %q: %s", kind, want, m.Text)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := notices(nil).Compose(ada, idp.Notice{Kind: "weather"}, ""); err == nil {
		t.Error("a notice without words was written")
	}
}

// Times are the reader's; without a zone they say that they are UTC.
func TestZone(t *testing.T) {
	n := notice(idp.NewBrowser)
	n.At = time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC)
	for zone, want := range map[string]string{"Europe/Paris": "11:00 CEST", "": "09:00 UTC", "../etc/passwd": "09:00 UTC"} {
		u := ada
		u.Profile.Zoneinfo = zone
		if m := compose(t, u, n); !strings.Contains(m.Text, want) {
			t.Errorf("%q: %s", zone, m.Text)
		}
	}
}

// E-11: what others chose cannot become markup, a header or a letter of its own.
func TestForeignText(t *testing.T) {
	u, n := ada, notice(idp.NewBrowser)
	u.Name = "Eve</td><script>alert(1)</script>\r\nBcc: all@example.org\u2028\u202eevil " + strings.Repeat("call +1 555 now ", 50)
	u.Login = `<img src=x onerror="alert(1)">`
	n.Client = "<b>Click</b>\r\n\r\nSubject: x"
	n.Origin = idp.Origin{Address: "evil\r\ntext", Agent: "Firefox visit http://evil.example <b>now</b>"}
	for _, brand := range []string{"Maison", "Maison\r\nBcc: all@example.org"} {
		s := notices(nil)
		s.Brand = brand
		m, err := s.Compose(u, n, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Check(); err != nil {
			t.Errorf("%q: %v", brand, err)
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
		if err != nil {
			t.Fatal(err)
		}
		if n := doc.Find("script, img, b").Length(); n != 0 {
			t.Errorf("%d foreign elements:\n%s", n, m.HTML)
		}
		for _, bad := range []string{"\r", "\nBcc", "\nSubject", "\u2028", "\u202e", "evil.example", "evil text", strings.Repeat("call +1 555 now ", 6)} {
			if strings.Contains(m.Text, bad) {
				t.Errorf("%q in\n%s", bad, m.Text)
			}
		}
		if strings.Contains(m.HTML, "evil.example") {
			t.Error("the User-Agent is in the mail")
		}
	}
}

func TestBrowsers(t *testing.T) {
	for agent, want := range map[string]string{
		firefox: "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                         "Chrome on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":        "Samsung Internet on Android",
		"something else": "unknown",
	} {
		n := notice(idp.NewBrowser)
		n.Origin.Agent = agent
		if m := compose(t, ada, n); !strings.Contains(m.Text, "Browser: "+want+"\n") {
			t.Errorf("%s: want %q in\n%s", agent, want, m.Text)
		}
	}
}

func written(t *testing.T, db *store.DB) int {
	t.Helper()
	all, err := db.Outbox().Newest(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// E-06: mail goes to an address that is known to be the person's, or nowhere.
func TestOnlyVerified(t *testing.T) {
	db := storetest.OpenAt(t, clock.Now)
	for _, u := range []idp.User{{ID: "a", Login: "a"}, {ID: "b", Login: "b", Email: "b@example.org"}, {ID: "c", Login: "c", EmailVerified: true}} {
		for _, k := range idp.NoticeKinds {
			if err := notices(db.Outbox()).Notice(t.Context(), u, notice(k)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := written(t, db); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// B-11: what others can bring about is told once in a while, by all instances
// together; what only the person can do is told every time.
func TestQuiet(t *testing.T) {
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		instances := []*message.Notices{notices(db.Outbox()), notices(db.Outbox())}
		tell := func(want int, who idp.User, k idp.NoticeKind) {
			t.Helper()
			before := written(t, db)
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					err := db.Atomic(t.Context(), func(ctx context.Context) error { return instances[i%2].Notice(ctx, who, notice(k)) })
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := written(t, db) - before; got != want {
				t.Errorf("%s: %d messages, want %d", k, got, want)
			}
		}
		max := ada
		max.ID, max.Email = "max", "max@example.org"
		tell(1, ada, idp.WrongFactor)
		tell(1, max, idp.WrongFactor)
		tell(1, ada, idp.Locked)
		tell(1, ada, idp.NewBrowser)
		clock.Pass(11 * time.Minute)
		tell(1, ada, idp.NewBrowser)
		tell(8, ada, idp.FactorAdded)
		clock.Pass(-11 * time.Minute)
		clock.Pass(59 * time.Minute)
		tell(0, ada, idp.WrongFactor)
		clock.Pass(16 * time.Minute)
		tell(1, ada, idp.WrongFactor)
		tell(0, ada, idp.Locked)
		clock.Pass(24 * time.Hour)
		tell(1, ada, idp.Locked)
	})
}

// E-01: on an account that is locked a wrong password is not slower for it.
func TestRepeatedNoticeIsFree(t *testing.T) {
	db := storetest.OpenAt(t, clock.Now)
	s := notices(db.Outbox())
	for i := range 5 {
		trips, _ := db.Trips()
		if err := s.Notice(t.Context(), ada, notice(idp.Locked)); err != nil {
			t.Fatal(err)
		}
		if after, _ := db.Trips(); i > 0 && after != trips {
			t.Errorf("notice %d cost %d round trips", i, after-trips)
		}
	}
}

package message_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp/mail"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/code"
	"latchkey/mfa/sms"
	"latchkey/ui/locale"
	"latchkey/ui/message"
)

func codes(box message.Outbox) *message.Codes {
	return &message.Codes{Outbox: box, Issuer: "https://id.example.org:8443", Brand: "Maison", Admin: "admin@example.org", Now: clock.Now}
}

func codeLetter(k mfa.Kind, lang string) code.Letter {
	to := map[mfa.Kind]string{code.SMS: "+33612345678", code.Email: "ada@example.org"}[k]
	return code.Letter{Kind: k, To: to, Code: "493817", Digits: 6, Until: clock.Now().Add(5 * time.Minute), Subject: mfa.Subject{
		ID: "ada", Name: "ada@example.org", Locale: lang, Address: "192.0.2.7", Agent: firefox,
	}}
}

func codeMessage(t *testing.T, l code.Letter) mail.Message {
	t.Helper()
	m, err := codes(nil).Compose(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	if !m.Expires.Equal(l.Until) || m.To != l.To {
		t.Errorf("%+v", m)
	}
	return m
}

// A text says what the code is for and how long it is good; its last line is
// for the browser. It fits one message of the phone's own alphabet.
func TestCodeBySMS(t *testing.T) {
	for _, l := range locale.Languages() {
		p, _ := locale.Find(l.Tag)
		for minutes, valid := range map[time.Duration]string{5 * time.Minute: p.N("sms.valid", 5), time.Minute: p.N("sms.valid", 1), 20 * time.Second: p.N("sms.valid", 1)} {
			in := codeLetter(code.SMS, l.Tag)
			in.Until = clock.Now().Add(minutes)
			m := codeMessage(t, in)
			want := p.T("sms.code", "493817", "Maison") + " " + valid + " " + p.T("sms.secret") + "\n\n@id.example.org #493817"
			if m.Text != want || m.Channel != mail.SMS || m.Subject != "" {
				t.Errorf("%s: %q", l.Tag, m.Text)
			}
			if !sms.Plain(m.Text) || len([]rune(m.Text)) > 160 || holes.MatchString(m.Text) {
				t.Errorf("%s: %d characters: %q", l.Tag, len([]rune(m.Text)), m.Text)
			}
		}
	}
}

// The mail has the code where it is seen, and nowhere that is seen by others
// or kept: not in the subject, not in what lists of mails show, not in a link
// (T-08). It says who asked.
func TestCodeByMail(t *testing.T) {
	for _, l := range locale.Languages() {
		p, _ := locale.Find(l.Tag)
		for _, adding := range []bool{false, true} {
			in := codeLetter(code.Email, l.Tag)
			in.Adding = adding
			m := codeMessage(t, in)
			if m.Channel != mail.Mail || strings.Contains(m.Subject, "493817") || !strings.Contains(m.Subject, "Maison") {
				t.Errorf("%+v", m)
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			if doc.Find("#code").Text() != "493817" || doc.Find("a, img, script").Length() != 0 {
				t.Errorf("%s", m.HTML)
			}
			if lang, _ := doc.Find("html").Attr("lang"); lang != l.Tag {
				t.Errorf("lang=%q", lang)
			}
			what, next := "mail.code_text", "mail.code_next"
			if adding {
				what, next = "mail.code_add_text", "mail.code_add_next"
			}
			for _, body := range []string{m.Text, doc.Find("body").Text()} {
				before, _, found := strings.Cut(strings.Join(strings.Fields(body), " "), "493817")
				if !found || len([]rune(before)) < 130 {
					t.Errorf("a preview shows the code: %q", before)
				}
				for _, want := range []string{
					p.T(what, "Maison"), p.N("mail.code_valid", 5), p.T(next), "ada@example.org", p.DateTime(clock.Now()), "192.0.2.7", p.T("mail.browser_on", "Firefox", "Linux"),
				} {
					if !strings.Contains(body, want) {
						t.Errorf("%s lacks %q:\n%s", l.Tag, want, body)
					}
				}
				if holes.MatchString(body) || strings.Contains(body, "%!") {
					t.Errorf("%s has holes:\n%s", l.Tag, body)
				}
			}
		}
	}
}

// E-11: what others chose is one line of text.
func TestCodeForeignText(t *testing.T) {
	in := codeLetter(code.Email, "en")
	in.Subject.Name = "<b>Eve</b>\r\nBcc: all@example.org"
	in.Subject.Agent = "Firefox visit http://evil.example"
	in.Subject.Address = "evil\r\ntext"
	s := codes(nil)
	s.Brand = "Maison\r\nBcc: x"
	for _, k := range []mfa.Kind{code.Email, code.SMS} {
		in.Kind = k
		m, err := s.Compose(in)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(m.Subject, "\n") || strings.Contains(m.HTML, "<b>") || regexp.MustCompile(`\r|\nBcc|evil`).MatchString(m.Text+m.HTML) {
			t.Errorf("%+v", m)
		}
	}
}

// A newer code takes the place of one that is not sent yet, and of none for
// another purpose; somebody is nudged when it is there.
func TestCodesInOutbox(t *testing.T) {
	db := storetest.OpenAt(t, clock.Now)
	s := codes(db.Outbox())
	nudged := 0
	s.Nudge = func() {
		all, err := db.Outbox().Newest(t.Context(), 100)
		if nudged++; err != nil || len(all) != nudged {
			t.Errorf("nudged before it was there: %d, %v", len(all), err)
		}
	}
	adding := codeLetter(code.SMS, "en")
	adding.Adding = true
	for _, l := range []code.Letter{codeLetter(code.SMS, "en"), codeLetter(code.Email, "en"), adding, codeLetter(code.SMS, "en")} {
		if err := s.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	due, err := db.Outbox().Claim(t.Context(), 10, time.Minute)
	if err != nil || len(due) != 3 || nudged != 4 {
		t.Errorf("%d due, %d nudges, %v", len(due), nudged, err)
	}
}

// The administrator hears why, where and for how long.
func TestHalted(t *testing.T) {
	db := storetest.OpenAt(t, clock.Now)
	for _, r := range []code.Reason{code.Pumping, code.CountryFull, code.DayFull} {
		m, err := codes(nil).ComposeHalt(code.Halt{Reason: r, Country: "+33 FR", Until: clock.Now().Add(time.Hour)})
		if err != nil || m.To != "admin@example.org" || m.Check() != nil {
			t.Fatalf("%+v, %v", m, err)
		}
		for _, body := range []string{m.Text, m.HTML} {
			if !strings.Contains(body, "33 FR") || !strings.Contains(body, "sms.countries") || holes.MatchString(strings.ReplaceAll(body, "sms.countries", "")) || strings.Contains(body, "%!") {
				t.Errorf("%s: %s", r, body)
			}
		}
	}
	if _, err := codes(nil).ComposeHalt(code.Halt{Reason: "weather"}); err == nil {
		t.Error("a halt without words was written")
	}
	s := codes(db.Outbox())
	s.Admin = ""
	if err := s.Halted(t.Context(), code.Halt{Reason: code.Pumping}); err != nil || written(t, db) != 0 {
		t.Errorf("%v, %d written to nobody", err, written(t, db))
	}
}

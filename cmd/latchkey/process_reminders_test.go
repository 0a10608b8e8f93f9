package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/ui/locale"
)

// Who could not sign in from a deadline on is told by mail, in their language,
// with the day, once; a program that starts anew tells it to nobody twice.
func TestRemindersArrive(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	deadline := time.Now().UTC().AddDate(0, 0, 10).Truncate(24 * time.Hour)
	p.add("ann@example.org", "--locale", "fr")
	p.add("ben@example.org", "--locale", "de")
	p.add("app@example.org", "--locale", "fr", "--totp-secret", appSecret)     // is ready
	p.run("", "user", "add", "--email", "unproven@example.org", "--name", "U") // E-06
	p.policy(fmt.Sprintf("policies:\n  - name: all\n    enabled: true\n    whom: {everyone: true}\n    what:\n      assurance: mfa\n      enrolment: {deadline: %s}\n", deadline.Format(time.DateOnly)))
	told := func(who, lang string) {
		t.Helper()
		p.until("a mail to "+who, func() bool { return len(p.mail.to(who)) > 0 })
		words, _ := locale.Find(lang)
		day, m := words.Date(deadline), p.mail.to(who)[0]
		if !strings.Contains(m.subject, day) || !strings.Contains(m.text, day) || !strings.Contains(m.text, words.T("mail.hello", who)) || !strings.Contains(m.text, p.url+"/my/security") {
			t.Errorf("%s, %s:\n%s\n%s", who, day, m.subject, m.text)
		}
	}
	p.start()
	told("ann@example.org", "fr")
	told("ben@example.org", "de")
	p.kill()

	p.add("zoe@example.org", "--locale", "nl") // shows that people were looked at again
	p.start()
	told("zoe@example.org", "nl")
	time.Sleep(500 * time.Millisecond) // for what should not come
	for who, want := range map[string]int{"ann@example.org": 1, "ben@example.org": 1, "zoe@example.org": 1, "app@example.org": 0, "unproven@example.org": 0} {
		if got := len(p.mail.to(who)); got != want {
			t.Errorf("%d mails to %s, want %d", got, who, want)
		}
	}
}

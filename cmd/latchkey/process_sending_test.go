package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const codesPolicy = "policies:\n  - name: codes\n    enabled: true\n    whom: {everyone: true}\n    what: {assurance: mfa, methods: [sms, email, totp, backup]}\n"

// password gives the first factor and says how long the answer took.
func (p *person) password(login string) time.Duration {
	p.t.Helper()
	p.open("/my/security").want("form#login")
	began := time.Now()
	p.submit("form#login", "login", login, "password", rightPassword)
	return time.Since(began)
}

// longer is how much longer an answer may take than it does while all is well
// (E-02). The time itself is the machine's: it may be busy.
const longer = time.Second

// §3, E-02: whatever the first gateway does, whoever gives the password waits no
// longer for the next page, the code comes by the second gateway, once, and opens
// the account.
func TestGatewayCostsNoTime(t *testing.T) {
	t.Parallel()
	var well time.Duration
	for _, how := range []string{"", "refuses", "hangs", "drips"} {
		t.Run("gateway "+how, func(t *testing.T) {
			p := newProgram(t, "LATCHKEY_SMS_TIMEOUT=2s") // whoever waited for it would be found out
			p.policy(codesPolicy)
			best := time.Hour
			phones := []string{"+33612345678", "+33612345679"}
			for i, phone := range phones {
				p.add(fmt.Sprintf("p%d@example.org", i), "--phone", phone)
			}
			p.sms[0].behave(how)
			p.start()
			for i, phone := range phones {
				v := p.person()
				best = min(best, v.password(fmt.Sprintf("p%d@example.org", i)))
				v.want("form#factor input[name=code]").want("[data-method=email]") // another way is offered at once
				came := p.sms[1]
				if how == "" {
					came = p.sms[0]
				}
				p.until("the code", func() bool { return len(came.to(phone)) > 0 })
				v.submit("form#factor", "code", sixDigits.FindString(came.to(phone)[0].text))
				if v.at.Path != "/my/security" || v.has("form#factor") {
					t.Fatalf("at %s: %s", v.at, v.text())
				}
			}
			time.Sleep(2200 * time.Millisecond) // for what should not come
			for _, phone := range phones {
				if n := len(p.sms[0].to(phone)) + len(p.sms[1].to(phone)); n != 1 {
					t.Errorf("%d texts to %s", n, phone)
				}
			}
			if n := p.sms[0].tries(); n != len(phones) {
				t.Errorf("the first gateway was asked %d times", n)
			}
			if how == "" {
				well = best
			}
			if best > well+longer {
				t.Errorf("the answer took %s, and %s while all was well", best, well)
			}
			t.Logf("the answer took %s", best)
		})
	}
}

// The same for the mail server; what it refused comes when it takes mail again,
// once.
func TestMailServerCostsNoTime(t *testing.T) {
	t.Parallel()
	var well time.Duration
	for _, how := range []string{"", "refuses", "hangs", "drips"} {
		t.Run("server "+how, func(t *testing.T) {
			p := newProgram(t)
			p.policy(codesPolicy)
			p.add("a@example.org")
			p.add("b@example.org")
			p.mail.behave(how)
			p.start()
			v := p.person()
			took := min(p.person().password("b@example.org"), v.password("a@example.org"))
			v.want("form#factor input[name=code]")
			if how == "" {
				well = took
			}
			if took > well+longer {
				t.Errorf("the answer took %s, and %s while all was well", took, well)
			}
			t.Logf("the answer took %s", took)
			if how == "hangs" || how == "drips" {
				return // the page has said that it may take a while
			}
			codes := func() (out []string) {
				for _, m := range p.mail.to("a@example.org") {
					if c := sixDigits.FindString(m.text); c != "" {
						if out = append(out, c); strings.Contains(m.subject, c) {
							t.Errorf("T-08: %s", m.subject)
						}
					}
				}
				return out
			}
			if how == "refuses" {
				p.until("a try", func() bool { return p.mail.tries() > 0 })
				p.mail.behave("")
			}
			p.until("the code", func() bool { return len(codes()) > 0 })
			v.submit("form#factor", "code", codes()[0])
			if v.at.Path != "/my/security" || v.has("form#factor") {
				t.Fatalf("at %s: %s", v.at, v.text())
			}
			time.Sleep(1500 * time.Millisecond) // for what should not come
			if n := len(codes()); n != 1 {
				t.Errorf("%d mails with a code", n)
			}
		})
	}
}

// Many codes of which none comes back stop the texts to that country; whoever
// runs the house is told by mail, and the log says it. People are offered other
// ways.
func TestPumpingIsTold(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "LATCHKEY_SMS_UNCONFIRMED=5")
	p.policy(codesPolicy)
	for i := range 7 {
		p.add(fmt.Sprintf("p%d@example.org", i), "--phone", fmt.Sprintf("+3361234567%d", i))
	}
	p.start()
	for i := range 5 {
		p.person().password(fmt.Sprintf("p%d@example.org", i))
		p.until("the code", func() bool { return len(p.sms[0].to(fmt.Sprintf("+3361234567%d", i))) == 1 })
	}
	for i := range 2 {
		v := p.person()
		v.password(fmt.Sprintf("p%d@example.org", 5+i))
		v.want("[data-method=email]")
	}
	p.until("the mail", func() bool { return len(p.mail.to("operator@example.org")) > 0 })
	time.Sleep(300 * time.Millisecond)
	told := p.mail.to("operator@example.org")
	if len(told) != 1 || !strings.Contains(told[0].text, "+33") {
		t.Errorf("%+v", told)
	}
	if n := p.sms[0].tries(); n != 5 {
		t.Errorf("%d texts", n)
	}
	if log := p.run("", "audit", "export"); strings.Count(log, "sms.stop") != 1 {
		t.Errorf("the log:\n%s", log)
	}
}

package main

import (
	"strings"
	"testing"
	"time"
)

// named moves a program to a name: browsers know passkeys for names only.
func (p *program) named() {
	p.url = strings.Replace(p.url, "127.0.0.1", "localhost", 1)
	p.env = append(p.env, "LATCHKEY_ISSUER="+p.url)
}

// M-14: everybody is offered what resists phishing, with a policy and without,
// on their own pages and on the way in.
func TestPasskeysAreOffered(t *testing.T) {
	p := newProgram(t)
	p.named()
	p.add("staff@example.org")
	p.add("customer@example.org", "--portal")
	p.start()
	for _, who := range []string{"staff@example.org", "customer@example.org"} {
		v := p.person()
		v.password(who)
		v.open("/my/security").want("a[href='/my/security/passkeys']")
		v.open("/my/security/passkeys").want("#passkey-enrol button[data-method=passkey]")
	}
	p.policy("policies:\n  - name: all\n    enabled: true\n    whom: {everyone: true}\n    what: {assurance: mfa}\n")
	for _, who := range []string{"staff@example.org", "customer@example.org"} {
		v := p.person()
		p.until("the policy", func() bool { // a server hears of it within a second
			v.open("/logout")
			if v.has("form#logout") {
				v.submit("form#logout")
			}
			v.password(who)
			return v.at.Path != "/my/security"
		})
		v.want("[data-method=passkey]")
	}
}

// M-15: a policy asks a group, and another everybody with a role, for what resists
// phishing. A code of the app is not enough for them any more, and is for
// everybody else.
func TestPasskeysAreDemanded(t *testing.T) {
	p := newProgram(t)
	p.named()
	p.add("boss@example.org", "--group", "bosses", "--totp-secret", appSecret)
	p.add("clerk@example.org", "--group", "clerks", "--totp-secret", appSecret)
	p.add("desk@example.org", "--role", "helpdesk", "--totp-secret", appSecret)
	p.policy("policies:\n  - name: bosses\n    enabled: true\n    whom: {groups: [bosses]}\n    what: {assurance: phishing-resistant}\n" +
		"  - name: roles\n    whom: {administrators: true}\n    what: {assurance: phishing-resistant}\n")
	p.start()
	w := &world{t: t, now: time.Now()}
	for who, enough := range map[string]bool{"boss@example.org": false, "clerk@example.org": true, "desk@example.org": false} {
		v := p.person()
		v.password(who)
		if v.has("form#factor") {
			v.submit("form#factor", "code", w.code(appSecret))
		}
		if inside := v.at.Path == "/my/security"; inside != enough {
			t.Errorf("%s: at %s: %s", who, v.at, v.text())
		}
		if !enough {
			v.want("#passkey-enrol button[data-method=passkey]")
		}
	}
}

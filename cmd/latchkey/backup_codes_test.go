package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"latchkey/mfa"
	"latchkey/mfa/backup"
)

// T-13: a backup code is no password, and one sign-in spends one of them at
// most, also when two are sent at once or the form is sent again.
func TestBackupCodesOfOneSignIn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.demandMFA()
		u := w.user("ada@example.org")
		p := w.person().open("/my/security").submit("form#login", "login", "ada@example.org", "password", rightPassword)
		secret := strings.Join(strings.Fields(p.page.Find("code.secret").Text()), "")
		p.follow("a#next")
		var codes []string
		for _, c := range p.page.Find(".codes code").EachIter() {
			codes = append(codes, strings.TrimSpace(c.Text()))
		}
		p.submit("form#codes-kept", "kept", "yes").submit("form#totp-confirm", "code", w.code(secret))
		left := func() int {
			t.Helper()
			held, err := w.db.Credentials.Held(t.Context(), mfa.SubjectID(u.ID))
			w.must(err)
			for _, c := range held {
				if c.Kind == backup.Kind {
					return backup.Left(c)
				}
			}
			return 0
		}
		login := func(password string) *person {
			return w.person().open("/my/security").submit("form#login", "login", "ada@example.org", "password", password)
		}
		if p := login(codes[0]); p.status != http.StatusUnauthorized || left() != 10 {
			t.Errorf("for the password: %d, %d are left", p.status, left())
		}
		v := login(rightPassword).follow("a[data-method=backup]").want("form#factor")
		address, fields := v.form("form#factor")
		again := func(code string) {
			fields.Set("code", code)
			v.post(address, fields)
		}
		again(codes[0])
		again(codes[1])
		if left() != 9 {
			t.Errorf("sent again: %d are left", left())
		}
		v = login(rightPassword).follow("a[data-method=backup]").want("form#factor")
		address, fields = v.form("form#factor")
		var all sync.WaitGroup
		for _, code := range codes[2:6] {
			twin := *v
			form := map[string][]string{}
			for name, value := range fields {
				form[name] = value
			}
			form["code"] = []string{code}
			all.Go(func() { twin.post(address, form) })
		}
		all.Wait()
		if left() != 8 {
			t.Errorf("four at once: %d are left", left())
		}
	})
}

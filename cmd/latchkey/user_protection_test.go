package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// command runs the command line on the world's database.
func (w *world) command(args ...string) (string, error) {
	w.t.Helper()
	var out bytes.Buffer
	c := (&app{}).root()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(w.t.Output())
	err := c.ExecuteContext(w.t.Context())
	return out.String(), err
}

// S-05, S-07, M-09: an administrator sees and ends what is open for somebody:
// trusted browsers, sessions, factors; what hangs on them ends, too.
func TestProtectionCommands(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, kind)
			for k, v := range map[string]string{
				"LATCHKEY_DATA_DIR": w.cfg.DataDir, "LATCHKEY_DATABASE_URL": w.cfg.Database.URL, "LATCHKEY_ISSUER": w.url,
			} {
				t.Setenv(k, v)
			}
			u := w.user("ada@example.org", withApp)
			cookie := w.opened(u, "s1", "")
			list := func(what string, into any) string {
				t.Helper()
				out, err := w.command("user", what, "ada@example.org", "--json")
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal([]byte(out), into); err != nil {
					t.Fatalf("%v in %s", err, out)
				}
				return out
			}
			must := func(args ...string) {
				t.Helper()
				if out, err := w.command(append([]string{"user"}, args...)...); err != nil {
					t.Fatal(out, err)
				}
			}
			var ds []deviceView
			var ss []sessionView
			var fs []factorView
			out := list("devices", &ds) + list("sessions", &ss) + list("factors", &fs)
			if len(ds) != 1 || len(ds[0].Proven) != 1 || len(ss) != 1 || ss[0].Device != ds[0].ID || len(fs) != 1 || fs[0].Kind != "totp" {
				t.Errorf("%+v %+v %+v", ds, ss, fs)
			}
			if strings.Contains(out, appSecret) || strings.Contains(out, cookie) || strings.Contains(out, "hash") {
				t.Errorf("a secret in %s", out)
			}
			if _, err := w.command("user", "devices", "ada@example.org", "--forget", "nothing"); err == nil {
				t.Error("forgot a browser that there is not")
			}
			must("devices", "ada@example.org", "--forget", ds[0].ID)
			w.wantOpen(u, cookie, 0)
			cookie = w.opened(u, "s2", "")
			w.opened(u, "s3", "other") // opened without a trusted browser
			must("devices", "ada@example.org", "--forget-all")
			w.wantOpen(u, cookie, 1)
			must("sessions", "ada@example.org", "--end-all")
			w.wantOpen(u, cookie, 0)
			cookie = w.opened(u, "s4", "")
			if _, err := w.command("user", "factors", "ada@example.org", "--remove", "nothing"); err == nil {
				t.Error("removed a factor that there is not")
			}
			must("factors", "ada@example.org", "--remove", fs[0].ID)
			w.wantOpen(u, cookie, 0)
			list("devices", &ds)
			list("sessions", &ss)
			list("factors", &fs)
			if len(ds)+len(ss)+len(fs) != 0 {
				t.Errorf("left: %+v %+v %+v", ds, ss, fs)
			}
		})
	}
}

// opened signs somebody in, with a browser that they trust from then on, and
// returns its cookie. With a note they did not use it.
func (w *world) opened(u idp.User, id idp.SessionID, note string) string {
	w.t.Helper()
	d, cookie, err := w.devices.Trust(w.t.Context(), mfa.SubjectID(u.ID), u.Epoch, []mfa.Kind{"totp"}, "Firefox "+note, "192.0.2.7", "", time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	s := idp.Session{
		ID: id, Hash: string(id), User: u.ID, Epoch: u.Epoch, Device: d.ID, Seen: w.clock(), Created: w.clock(), Expires: w.clock().Add(time.Hour), Idle: time.Hour,
		Proofs: []idp.Proof{{Kind: idp.Password, At: w.clock()}},
	}
	if note != "" {
		s.Device = ""
	}
	if err := w.db.Sessions.Open(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
	return cookie
}

// wantOpen asks that the browser is not trusted and so many sessions are left.
func (w *world) wantOpen(u idp.User, cookie string, sessions int) {
	w.t.Helper()
	now, err := w.db.Users.ByID(w.t.Context(), u.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	_, trusted, err := w.devices.Recognise(w.t.Context(), mfa.SubjectID(u.ID), now.Epoch, now.Trust, cookie)
	if err != nil || trusted {
		w.t.Errorf("trusted: %v, %v", trusted, err)
	}
	all, err := w.db.Sessions.Of(w.t.Context(), u.ID)
	if err != nil || len(all) != sessions {
		w.t.Errorf("%d sessions, want %d, %v", len(all), sessions, err)
	}
}

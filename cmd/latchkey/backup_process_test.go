package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/idp/store/storetest"
)

// fail is a command that must not work, and says why.
func (p *program) fail(want string, args ...string) {
	p.t.Helper()
	cmd := exec.Command("latchkey", args...)
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		p.t.Errorf("%v: %v, want %q:\n%s", args, err, want, out)
	}
}

// enter signs somebody in with password and app.
func (p *program) enter(login string) *person {
	p.t.Helper()
	v := p.person()
	v.password(login)
	v.want("form#factor").submit("form#factor", "code", (&world{t: p.t, now: time.Now()}).code(appSecret))
	if v.at.Path != "/my/security" || v.has("form#factor") {
		p.t.Fatalf("%s is at %s: %s", login, v.at, v.text())
	}
	return v
}

// C-14: a backup is taken from a server at work, and is not put in place under it;
// afterwards who was signed in is not.
func TestBackupBesideServer(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.add("ann@example.org", "--totp-secret", appSecret)
	p.start()
	ann := p.enter("ann@example.org")
	file := filepath.Join(t.TempDir(), "b.tar")
	writing := make(chan error)
	go func() {
		var err error
		for n := 0; n < 5 && err == nil; n++ {
			cmd := exec.Command("latchkey", "group", "add", fmt.Sprint("g", n))
			cmd.Env = p.env
			err = cmd.Run()
		}
		writing <- err
	}()
	p.run("", "backup", file)
	if err := <-writing; err != nil {
		t.Error("writing beside a backup:", err)
	}
	p.add("late@example.org")
	p.run("", "restore", "--dry-run", file) // beside the server
	p.fail("the database is in use", "restore", "--replace", file)
	p.run("", "user", "show", "late@example.org")
	if ann.open("/my/security").has("form#login") {
		t.Error("signed out by what was refused")
	}
	p.kill()
	p.run("", "restore", "--replace", file)
	p.fail("late@example.org", "user", "show", "late@example.org")
	p.start()
	ann.open("/my/security").want("form#login")
	p.run("", "audit", "verify")
}

// C-03: a rotation beside a server locks nobody out: what is sealed with the new
// key opens in it, without a start, and so it does when the old key is gone.
func TestRotateBesideServer(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	for n := range 3 { // a code is good once
		p.add(fmt.Sprintf("p%d@example.org", n), "--totp-secret", appSecret)
	}
	p.start()
	p.enter("p0@example.org")
	p.run("", "secret", "rotate")
	p.enter("p1@example.org")
	p.run("", "secret", "rotate", "--forget-old", "--now")
	p.enter("p2@example.org")
	p.run("", "audit", "verify")
}

// C-03: where other instances may have copies of the keyring, a key is known
// before it seals.
func TestRotateOnPostgres(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newProgram(t, "LATCHKEY_DATABASE_URL="+storetest.FinishedPostgres(t), "LATCHKEY_SECRETS_KEYRING_FILE="+dir+"/one.json")
	p.run("", "keyring", "create")
	p.add("ann@example.org", "--totp-secret", appSecret)
	other := *p
	other.env = append(append([]string{}, p.env...), "LATCHKEY_SECRETS_KEYRING_FILE="+dir+"/two.json")
	deal := func() {
		t.Helper()
		text, err := os.ReadFile(dir + "/one.json")
		if err == nil {
			err = os.WriteFile(dir+"/two.json", text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	deal()
	p.fail("secret rotate --add", "secret", "rotate")
	p.run("", "secret", "rotate", "--add")
	deal()
	p.run("", "secret", "rotate")
	other.run("", "key", "list") // it knows the key, though it seals with the old one
	other.run("", "key", "rotate")
	p.run("", "key", "list")
	deal()
	p.fail("still sealed with old keys", "secret", "rotate", "--forget-old", "--now")
	p.run("", "secret", "rotate", "--reseal")
	p.run("", "secret", "rotate", "--forget-old", "--now")
	deal()
	other.run("", "key", "list")
	other.run("", "audit", "verify")

	// C-14: what pg_restore has filled is checked and finished in place.
	p.start()
	ann := p.enter("ann@example.org")
	p.kill()
	p.fail("pg_restore", "restore", "file.tar")
	p.run("", "restore", "--in-place", "--dry-run")
	p.start()
	if ann.open("/my/security").has("form#login") {
		t.Error("a check has signed somebody out")
	}
	p.kill()
	p.run("", "restore", "--in-place")
	p.start()
	ann.open("/my/security").want("form#login")
}

// D-09: a backup whose log somebody has changed is not restored without a word,
// nor is a newer database backed up. C-03: of two rotations one waits.
func TestRestoreLooksAtWhatIsIn(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	data := t.TempDir()
	p.env = append(p.env, "LATCHKEY_DATA_DIR="+data)
	p.run("", "group", "add", "staff")
	p.run("", "audit", "verify")
	db, err := sql.Open("sqlite", filepath.Join(data, "latchkey.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	change := func(query string) {
		t.Helper()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	change(`INSERT INTO audit_work (name, holder, until) VALUES ('keyring', 'another one', 9999999999999)`)
	p.fail("another rotation is under way", "secret", "rotate") // of two one would lose the other's key
	change(`DROP TRIGGER events_changed; UPDATE events SET detail = '{}' WHERE seq = 1`)
	file := filepath.Join(t.TempDir(), "b.tar")
	p.run("", "backup", file)
	change(`INSERT INTO migrations (version_id, is_applied) VALUES (9999, 1)`)
	newer := filepath.Join(t.TempDir(), "newer.tar")
	p.fail("made by a newer version", "backup", newer)
	if _, err := os.Stat(newer); err == nil {
		t.Error("a backup that failed is there")
	}
	p.env = append(p.env, "LATCHKEY_DATA_DIR="+t.TempDir(), "LATCHKEY_SECRETS_KEYRING_FILE="+filepath.Join(data, "keyring.json"))
	p.fail("the audit log in it is not whole: BROKEN at event 1", "restore", file)
	p.fail("the audit log in it is not whole", "restore", "--dry-run", file)
	p.run("", "restore", "--accept-broken-log", file)
	p.run("", "user", "list")
}

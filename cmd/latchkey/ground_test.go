package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"latchkey/config"
	"latchkey/idp"
)

// D-07: owners hear of a copy that opens itself and of one that is put back, though
// these commands have only the ground; of a nightly copy they do not.
func TestOwnersHearOfCopies(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Config{Issuer: "https://id.example.org", DataDir: dir, Database: config.Database{URL: "sqlite:" + filepath.Join(dir, "latchkey.db")}}
	cfg.Secrets.KeyringFile = filepath.Join(dir, "keyring.json")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stand := func(do func(*ground)) {
		t.Helper()
		g, err := openGround(t.Context(), cfg, clock(), true)
		must(err)
		do(g)
		must(g.close())
	}
	stand(func(g *ground) {
		u := idp.User{ID: "olga", Login: "olga", Name: "Olga", Email: "olga@example.org", EmailVerified: true, Kind: idp.Internal, Role: idp.Owner, Locale: "en"}
		must(g.db.Users.Add(t.Context(), u, []idp.Identifier{{Canonical: "olga", Skeleton: "olga"}}))
	})
	told := func(words ...string) {
		t.Helper()
		stand(func(g *ground) {
			all, err := g.db.Outbox().Claim(t.Context(), 10, time.Minute)
			must(err)
			if len(all) > 1 || len(all) == 0 != (len(words) == 0) {
				t.Fatalf("told %+v", all)
			}
			for _, m := range all {
				for _, w := range words {
					if m.To != "olga@example.org" || !strings.Contains(m.Text, w) {
						t.Errorf("no %q to %s: %s", w, m.To, m.Text)
					}
				}
				must(g.db.Outbox().Done(t.Context(), m))
			}
		})
	}
	save := func(withKeyring bool) {
		t.Helper()
		b := &backupRun{cfg: cfg, file: "-", out: io.Discard, withKeyring: withKeyring}
		_, err := b.make(t.Context(), t.TempDir())
		must(err)
	}
	save(false)
	told()
	save(true)
	told("Event: Database backed up", "Command line of the server")
	cmd := &cobra.Command{}
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	must((&restoration{cmd: cmd, cfg: cfg, now: clock(), inPlace: true}).takeOver(t.Context()))
	told("Event: Database restored from a backup", "Command line of the server")
}

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/idp/store"
	"latchkey/migrations"
)

// toPostgres is what backup and restore say where there is nothing for them to do.
const toPostgres = "the database is PostgreSQL: use pg_dump and pg_restore, keep the keyring apart, and finish with `latchkey restore --in-place`; docs/operator.md has the commands"

func backupCommand(a *app) *cobra.Command {
	var withKeyring bool
	c := &cobra.Command{
		Use: "backup FILE", Short: "Copy the embedded database into a file, while the server runs", Args: exactly(1),
		Long: "Copy the embedded database, as it is at one moment, into a new FILE (a tar archive) that only you can read; - is standard output. The server may run.\n" +
			"The keyring stays out, so that whoever gets hold of the file cannot open its secrets: keep a copy of it in another place, as one is of no use without the other.\n" +
			"--with-keyring puts it in; the file is then as good as all secrets. `latchkey restore --dry-run FILE` checks a backup.",
		Example: "  latchkey backup /var/backups/latchkey-2026-11-22.tar\n  latchkey backup - | age -r age1… > latchkey.tar.age",
	}
	c.Flags().BoolVar(&withKeyring, "with-keyring", false, "put the keyring in: the file then opens all secrets")
	c.RunE = a.work(func(cmd *cobra.Command, args []string) error {
		cfg, err := a.config()
		if err != nil {
			return err
		}
		b := &backupRun{output: a.output, cfg: cfg, file: args[0], out: cmd.OutOrStdout(), withKeyring: withKeyring}
		if b.file == "-" {
			if f, ok := b.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
				return usagef("this is a terminal: send standard output somewhere, or name a file")
			}
			cmd.SetOut(cmd.ErrOrStderr()) // what is said is not part of the archive
		}
		return b.run(cmd)
	})
	return c
}

// backupRun is one run of `latchkey backup`.
type backupRun struct {
	output
	cfg         config.Config
	file        string // -: out
	out         io.Writer
	withKeyring bool
	m           manifest
}

func (b *backupRun) run(cmd *cobra.Command) (err error) {
	source, err := embeddedFile(b.cfg)
	if err != nil {
		return err
	}
	if blank(source) {
		return fmt.Errorf("there is no database at %s; is this the server's configuration?", source)
	}
	beside := source
	if b.file != "-" {
		if _, err := os.Lstat(b.file); err == nil {
			return fmt.Errorf("%s is there already, and nothing is written over", b.file)
		}
		beside = b.file
	}
	dir, err := os.MkdirTemp(filepath.Dir(beside), ".latchkey-backup-*") // mode 0700
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	noted, err := b.make(cmd.Context(), dir)
	if err != nil {
		return err
	}
	return b.tell(cmd, noted)
}

// make writes the archive. It reports whether the log has an event of it: a
// database that is older than the program cannot be written to, and backing it
// up before it is migrated is just what people should do.
func (b *backupRun) make(ctx context.Context, dir string) (noted bool, err error) {
	ring, _, err := openKeyring(b.cfg)
	if err != nil {
		return false, err
	}
	g, err := openGround(ctx, b.cfg, clock(), false)
	switch {
	case err == nil:
		noted = true
		defer func() { err = errors.Join(err, g.close()) }()
	case !errors.Is(err, migrations.ErrPending):
		return false, err
	}
	copied := filepath.Join(dir, nameDatabase)
	if err := b.copy(ctx, ring, copied); err != nil {
		return noted, err
	}
	keys := filepath.Join(dir, nameKeyring)
	if b.withKeyring {
		if err := packKeyring(&b.m, ring, keys); err != nil {
			return noted, err
		}
	}
	note := func() error {
		if !noted {
			return nil
		}
		return g.db.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: b.m.Made, What: "backup.make", Origin: host.Origin, Result: "ok",
			Detail: map[string]string{"bytes": strconv.FormatInt(b.m.Database.Bytes, 10), "sha256": b.m.Database.SHA256, "keyring": strconv.FormatBool(b.withKeyring)},
		})
	}
	// Whoever has the copy has everything, so it leaves only after the log says so.
	if b.file == "-" {
		if err := note(); err != nil {
			return noted, err
		}
		return noted, writeBackup(ctx, b.out, b.m, copied, keys)
	}
	return noted, b.save(ctx, filepath.Join(dir, "archive"), copied, keys, note)
}

// copy copies the database, and says in the manifest what it is and which keys
// belong to it: a rotation may have come between, and the copy holds what the new
// key has sealed.
func (b *backupRun) copy(ctx context.Context, ring *keyring.Ring, to string) (err error) {
	b.m = manifest{Format: backupFormat, Program: version, Made: clock()().UTC(), Issuer: b.cfg.Issuer}
	if b.m.Schema, err = store.Copy(ctx, b.cfg.Database.URL, to); err != nil {
		return err
	}
	if err := ring.Refresh(); err != nil {
		return err
	}
	b.m.Keys = ring.Keys()
	b.m.Database, err = measure(to)
	return err
}

// packKeyring writes the ring that was checked, and not what its file has become
// since.
func packKeyring(m *manifest, ring *keyring.Ring, file string) error {
	if err := ring.Save(file); err != nil {
		return err
	}
	part, err := measure(file)
	m.Keyring = &part
	return err
}

// save writes the archive under another name first: a file of the right name is
// a whole one.
func (b *backupRun) save(ctx context.Context, tmp, copied, keys string, note func() error) error {
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = writeBackup(ctx, f, b.m, copied, keys)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := note(); err != nil {
		return err
	}
	// Made only if nobody has: a rename alone would replace it.
	claim, err := os.OpenFile(b.file, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(claim.Close(), os.Rename(tmp, b.file)); err != nil {
		return errors.Join(err, os.Remove(b.file))
	}
	return syncDir(filepath.Dir(b.file))
}

func (b *backupRun) tell(cmd *cobra.Command, noted bool) error {
	if !noted && !b.json {
		fmt.Fprintln(cmd.ErrOrStderr(), "note: the log has no event of this, because the database is older than this program")
	}
	return b.print(cmd, struct {
		OK   bool   `json:"ok"`
		File string `json:"file"`
		manifest
	}{true, b.file, b.m}, func(w io.Writer) {
		name := b.file
		if name == "-" {
			name = "the backup"
		}
		fmt.Fprintf(w, "%s holds the database as of %s, schema %d\n", name, stamp(b.m.Made), b.m.Schema)
		if b.m.Keyring == nil {
			fmt.Fprintf(w, "It does not hold the keyring. Keep a copy of %s apart: a backup is of no use without it, and whoever has both has every secret.\n", b.cfg.Secrets.KeyringFile)
			return
		}
		fmt.Fprintln(w, "It holds the keyring, too: whoever has this file has every secret. Keep it encrypted.")
	})
}

// embeddedFile is where the embedded database lies, or a mistake in usage.
func embeddedFile(cfg config.Config) (string, error) {
	if cfg.Database.Shared() {
		return "", usageError{errors.New(toPostgres)}
	}
	file := cfg.Database.File()
	if file == "" {
		return "", usagef("database.url: a database in memory is gone with the program")
	}
	return file, nil
}

// syncDir makes new names in a folder survive a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"latchkey/config"
	"latchkey/idp/audit"
	"latchkey/idp/keyring"
	"latchkey/idp/store"
)

func restoreCommand(a *app) *cobra.Command {
	r := &restoration{}
	c := &cobra.Command{
		Use: "restore [FILE]", Short: "Put a backup of the embedded database in place", Args: atMost(1),
		Long: "Check a backup and put it in place of the embedded database. The server must be stopped. The keyring must lie where secrets.keyring_file says, unless the backup holds it.\n" +
			"An older database is brought up to date. Everybody is signed out, and tokens of applications, trusted browsers, links and codes from before are dead.\n" +
			"With --dry-run everything is checked and nothing is changed; the server may run.\n" +
			"With --in-place there is no FILE: the database that is there, and which pg_restore has just filled, is checked, and the same is ended in it.",
		Example: "  latchkey restore --dry-run latchkey-2026-11-22.tar\n  latchkey restore --replace latchkey-2026-11-22.tar\n  latchkey restore --in-place",
	}
	fs := c.Flags()
	fs.BoolVar(&r.dry, "dry-run", false, "check everything and change nothing")
	fs.BoolVar(&r.replace, "replace", false, "take the place of the database that is there, which is kept beside it")
	fs.BoolVar(&r.anyLog, "accept-broken-log", false, "go on although the audit log in the backup is not whole")
	fs.BoolVar(&r.inPlace, "in-place", false, "the database was put there by its own tools, such as pg_restore: check it, and sign everybody out")
	c.RunE = a.work(func(cmd *cobra.Command, args []string) error {
		cfg, err := a.config()
		if err != nil {
			return err
		}
		r.output, r.cfg, r.cmd, r.now, r.found.Kept = a.output, cfg, cmd, clock(), []string{}
		switch {
		case r.inPlace && (len(args) > 0 || r.replace):
			return usagef("--in-place is about the database that is there: it goes without FILE and --replace")
		case r.inPlace:
			return r.takeOver(cmd.Context())
		case len(args) == 0:
			return usagef("something is missing: which FILE?")
		}
		r.file = args[0]
		if err := r.run(cmd.Context()); err != nil {
			return err
		}
		return r.tell()
	})
	return c
}

// restoration is one run of `latchkey restore`.
type restoration struct {
	output
	cmd                  *cobra.Command
	cfg                  config.Config
	now                  func() time.Time
	file                 string // the archive
	dry, replace, anyLog bool
	inPlace              bool

	target string // where the database is to lie
	there  bool   // one lies there
	dir    string // where the archive is unpacked
	m      manifest
	found  restored
}

// restored is what a restoration found and did.
type restored struct {
	OK       bool         `json:"ok"`
	DryRun   bool         `json:"dry_run"`
	Made     time.Time    `json:"made,omitzero"`
	Program  string       `json:"program,omitempty"`
	Schema   int64        `json:"schema,omitempty"`
	Migrated bool         `json:"migrated"` // it was older than this program
	Keyring  string       `json:"keyring"`  // which one opens it: "file" or "backup"
	Log      audit.Report `json:"log"`
	File     string       `json:"file,omitempty"`
	Kept     []string     `json:"kept"` // what was there before
}

func (r *restoration) run(ctx context.Context) (err error) {
	if r.target, err = embeddedFile(r.cfg); err != nil {
		return err
	}
	if place, err := filepath.EvalSymlinks(r.target); err == nil {
		r.target = place // a link stays, and its disk may be another one
	}
	r.there, r.found.File, r.found.DryRun = !blank(r.target), r.target, r.dry
	release := func() error { return nil }
	if !r.dry {
		if release, err = r.alone(ctx); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, release()) }()
	if r.dir, err = r.workplace(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	if err := r.unpack(ctx); err != nil {
		return err
	}
	if err := r.examine(ctx); err != nil || r.dry {
		return err
	}
	return r.install()
}

// alone makes sure that nobody has the database that is there.
func (r *restoration) alone(ctx context.Context) (release func() error, err error) {
	switch {
	case !r.there:
		return func() error { return nil }, nil
	case !r.replace:
		return nil, fmt.Errorf("there is a database at %s; --replace puts the backup in its place and keeps it beside", r.target)
	}
	return store.Alone(ctx, r.cfg.Database.URL)
}

// workplace is a folder on the same disk as the database, so that a rename puts
// it in place, or anywhere when nothing is to be changed.
func (r *restoration) workplace() (string, error) {
	home := filepath.Dir(r.target)
	if _, err := os.Stat(home); r.dry && err != nil {
		home = os.TempDir()
	}
	if !r.dry {
		for _, dir := range []string{r.cfg.DataDir, home} {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return "", err
			}
		}
	}
	return os.MkdirTemp(home, ".latchkey-restore-*") // mode 0700
}

func (r *restoration) unpack(ctx context.Context) error {
	f, err := os.Open(r.file)
	if err != nil {
		return err
	}
	defer f.Close()
	if r.m, err = readManifest(f); err != nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	r.found.Made, r.found.Program, r.found.Schema = r.m.Made, r.m.Program, r.m.Schema
	if err := unpack(ctx, f, r.m, r.dir); err != nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	return nil
}

// install puts the files in place, the keyring first: a database is of no use
// without it, and a keyring harms nobody.
func (r *restoration) install() error {
	// Before anything is put in place: the server could read neither as root's.
	if err := keyring.Own(filepath.Join(r.dir, nameDatabase), r.target, filepath.Dir(r.target)); err != nil {
		return err
	}
	suffix := ".before-restore-" + r.now().UTC().Format("20060102T150405Z")
	put := func(from, to string) error {
		// At every moment there is a file of that name: the old one or the new.
		err := os.Link(to, to+suffix)
		switch {
		case err == nil:
			r.found.Kept = append(r.found.Kept, to+suffix)
		case !errors.Is(err, os.ErrNotExist):
			return err
		}
		if err := os.Rename(from, to); err != nil {
			return err
		}
		return syncDir(filepath.Dir(to))
	}
	if r.found.Keyring == fromBackup {
		if err := os.MkdirAll(filepath.Dir(r.cfg.Secrets.KeyringFile), 0o700); err != nil {
			return err
		}
		if err := r.moveKeyring(put); err != nil {
			return err
		}
	}
	// Left by a database that somebody deleted, they would be taken for this one's.
	for _, rest := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(r.target + rest); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return put(filepath.Join(r.dir, nameDatabase), r.target)
}

func (r *restoration) tell() error {
	r.found.OK = true
	return r.print(r.cmd, r.found, func(w io.Writer) {
		fmt.Fprintf(w, "%s is whole: the database as of %s, schema %d, %s opens it, log: %s\n",
			r.file, stamp(r.m.Made), r.m.Schema, map[string]string{fromFile: r.cfg.Secrets.KeyringFile, fromBackup: "the keyring in it"}[r.found.Keyring], clean(verdict(r.found.Log)))
		if r.dry {
			if r.found.Migrated {
				fmt.Fprintln(w, "It is older than this program; restoring brings it up to date.")
			}
			if r.there {
				fmt.Fprintf(w, "There is a database at %s: restoring takes --replace, with the server stopped.\n", r.target)
			}
			fmt.Fprintln(w, "Nothing was changed.")
			return
		}
		if r.found.Migrated {
			fmt.Fprintln(w, "It was older than this program, and was brought up to date.")
		}
		fmt.Fprintf(w, "It is in place at %s.\n", r.target)
		for _, k := range r.found.Kept {
			fmt.Fprintf(w, "What was there is kept at %s.\n", k)
		}
		fmt.Fprintln(w, afterwards)
	})
}

// afterwards is what no program can do for the operator.
const afterwards = "Everybody is signed out. As they were at the backup again are passwords, second factors, backup codes, who is disabled, roles, groups, policies, consents to applications, clients, signing keys, tokens of the API and settings of Odoos: repeat what was taken away since."

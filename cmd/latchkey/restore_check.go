package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/keyring"
	"latchkey/idp/store"
	"latchkey/migrations"
)

// Which keyring opens a backup.
const (
	fromFile   = "file"
	fromBackup = "backup"
)

// examine checks what was unpacked, and makes it ready unless nothing is to be
// changed.
func (r *restoration) examine(ctx context.Context) (err error) {
	url := "sqlite:" + filepath.Join(r.dir, nameDatabase)
	switch err := store.Sound(ctx, url); {
	case errors.Is(err, migrations.ErrPending):
		r.found.Migrated = true
	case err != nil:
		return fmt.Errorf("%s: %w", r.file, err)
	}
	db, ring, err := r.open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	g := &ground{cfg: r.cfg, db: db, ring: ring, now: r.now}
	g.tellOwners()
	return r.finish(ctx, g)
}

// finish checks the log and ends what a copy must not bring back.
func (r *restoration) finish(ctx context.Context, g *ground) error {
	log, err := (&recordSide{ground: g}).log(ctx)
	if err != nil {
		return err
	}
	bar := r.progress(r.cmd)
	r.found.Log, err = log.Verify(ctx, host, audit.Extent{Progress: func(done, total int64) { bar.show(int(done), float64(done)/float64(max(total, 1))) }})
	bar.clear()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	if !r.found.Log.Well() && !r.anyLog {
		return fmt.Errorf("the audit log in it is not whole: %s; --accept-broken-log goes on all the same", clean(verdict(r.found.Log)))
	}
	if r.dry {
		return nil
	}
	if err := g.db.Lapse(ctx); err != nil {
		return err
	}
	detail := map[string]string{}
	if !r.inPlace {
		detail = map[string]string{"made": stamp(r.m.Made), "program": r.m.Program, "sha256": r.m.Database.SHA256}
	}
	return g.db.Log.Append(ctx, idp.Event{ID: rand.Text(), At: r.now(), What: "backup.restore", Origin: host.Origin, Result: "ok", Detail: detail})
}

// takeOver is for a database that was restored by its own tools.
func (r *restoration) takeOver(ctx context.Context) error {
	if file := r.cfg.Database.File(); file != "" && blank(file) {
		return fmt.Errorf("there is no database at %s; is this the server's configuration?", file)
	}
	g, err := openGround(ctx, r.cfg, r.now, !r.dry)
	if err != nil {
		return err
	}
	if err := errors.Join(r.finish(ctx, g), g.close()); err != nil {
		return err
	}
	r.found.OK, r.found.DryRun, r.found.Keyring = true, r.dry, fromFile
	return r.print(r.cmd, r.found, func(w io.Writer) {
		fmt.Fprintf(w, "%s opens the database, log: %s\n", r.cfg.Secrets.KeyringFile, clean(verdict(r.found.Log)))
		if r.dry {
			fmt.Fprintln(w, "Nothing was changed; the log says that it was checked.")
			return
		}
		fmt.Fprintln(w, afterwards)
	})
}

// open tries the keyring at hand, then the one in the backup.
func (r *restoration) open(ctx context.Context, url string) (*store.DB, *keyring.Ring, error) {
	path := r.cfg.Secrets.KeyringFile
	try := func(file, from string) (*store.DB, *keyring.Ring, error) {
		ring, err := keyring.Load(file)
		if err != nil {
			return nil, nil, err
		}
		r.found.Keyring = from
		db, err := store.Open(ctx, store.Config{URL: url, Keyring: ring, Now: r.now, Migrate: true})
		return db, ring, err
	}
	db, ring, err := try(path, fromFile)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case !missing && !errors.Is(err, store.ErrKeyring):
		return db, ring, err
	case r.m.Keyring == nil && missing:
		return nil, nil, fmt.Errorf("there is no keyring at %s, and the backup does not hold one: put the keyring that belongs to it there", path)
	case r.m.Keyring == nil:
		return nil, nil, fmt.Errorf("the keyring at %s does not open the backup: put the one that belongs to it there, with the keys %s", path, numbers(r.m.Keys))
	case !missing && !r.replace && !r.dry:
		return nil, nil, fmt.Errorf("the keyring at %s does not open the backup, which holds its own: --replace puts that in its place and keeps the old one beside", path)
	}
	return try(filepath.Join(r.dir, nameKeyring), fromBackup)
}

// moveKeyring puts the backup's keyring in place. It may lie on another disk than
// the database, so it is written there under another name first.
func (r *restoration) moveKeyring(put func(from, to string) error) error {
	path := r.cfg.Secrets.KeyringFile
	ring, err := keyring.Load(filepath.Join(r.dir, nameKeyring))
	if err != nil {
		return err
	}
	if place, err := filepath.EvalSymlinks(path); err == nil {
		path = place // other instances may share what a link leads to
	}
	tmp := path + ".restored"
	if err := ring.Save(tmp); err != nil {
		return err
	}
	err = keyring.Own(tmp, path, filepath.Dir(r.target))
	if err == nil {
		err = put(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

// numbers lists keys as people compare them.
func numbers(all []keyring.Key) (out string) {
	for i, k := range all {
		if i > 0 {
			out += ", "
		}
		out += fmt.Sprintf("%d (%s)", k.ID, k.State)
	}
	return out
}

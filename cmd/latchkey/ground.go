package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"latchkey/config"
	"latchkey/idp/apitoken"
	"latchkey/idp/job"
	"latchkey/idp/keyring"
	"latchkey/idp/power"
	"latchkey/idp/store"
	"latchkey/idp/store/memory"
	"latchkey/idp/store/redis"
	"latchkey/idp/trace"
	"latchkey/ui/message"
)

// ground is what every part of the program stands on.
type ground struct {
	cfg   config.Config
	db    *store.DB
	ring  *keyring.Ring
	now   func() time.Time
	jobs  *job.Desk // where work goes on behind pages
	cache closer    // nil: memory
	// counts are what Prometheus hears of events and messages.
	counts *counts
	// traces are of the server; nil: there are none. lost counts what the collector
	// did not get.
	traces *trace.Tracer
	lost   func() int64
	// newKeyring says that the keyring was made at this start.
	newKeyring bool
}

type closer interface{ Close() error }

// openGround opens the database; an older one is brought up to date only if
// migrate says so.
func openGround(ctx context.Context, cfg config.Config, now func() time.Time, migrate bool) (*ground, error) {
	g := &ground{cfg: cfg, now: now, counts: newCounts(cfg.Limits.LockFor), lost: func() int64 { return 0 }}
	cache, err := g.openCache()
	if err != nil {
		return nil, err
	}
	if g.ring, g.newKeyring, err = openKeyring(cfg); err != nil {
		return nil, err
	}
	file := cfg.Database.File()
	fresh := file != "" && blank(file)
	g.db, err = store.Open(ctx, store.Config{
		URL: cfg.Database.URL, Keyring: g.ring, Cache: cache, Now: now, Migrate: migrate, Noted: g.counts.event,
		Migrated: func() {
			if !fresh { // a new one was never older
				slog.InfoContext(ctx, "brought the database up to date")
			}
		},
	})
	if err != nil {
		err = databaseDown(cfg, err)
		if g.newKeyring && errors.Is(err, store.ErrKeyring) {
			err = errors.Join(err, os.Remove(cfg.Secrets.KeyringFile))
		}
		return nil, err
	}
	g.jobs = &job.Desk{Store: g.db.Jobs, Now: now, Fault: func(j job.Job, err error) {
		slog.Error("work behind a page failed", "kind", j.Kind, "about", j.About, "err", err)
	}}
	g.tellOwners()
	return g, nil
}

// tellOwners makes the log tell owners (SECURITY.md D-07). Whoever writes events
// writes them through this one, so it comes first.
func (g *ground) tellOwners() {
	log := &power.Log{Log: g.db.Log, Who: g.db.Administrators, Users: g.db.Users, Atomic: g.db.Atomic}
	g.db.Log = log
	log.Tell = message.Owners{Notices: newMessages(g, newChoices(g)).notices}
}

// openCache is Redis if one is named, and otherwise memory of this process.
func (g *ground) openCache() (store.Cache, error) {
	if g.cfg.Redis.URL == "" {
		return &memory.Cache{Now: g.now}, nil
	}
	c, err := redis.New(g.cfg.Redis.URL)
	if err != nil {
		return nil, err
	}
	c.Report = func(err error) {
		if err != nil {
			slog.Warn("Redis is lost; sign-in goes on from the database", "err", err)
			return
		}
		slog.Info("Redis is back")
	}
	g.cache = c
	return c, nil
}

// openKeyring loads the keys that seal secrets. They are made where that can
// do no harm: beside the embedded database, or in a data folder of the
// operator's choice for a database that knows no other keyring yet.
func openKeyring(cfg config.Config) (ring *keyring.Ring, made bool, err error) {
	path := cfg.Secrets.KeyringFile
	ring, err = keyring.Load(path)
	if !errors.Is(err, os.ErrNotExist) {
		return ring, false, err
	}
	if err := keyringMissing(cfg); err != nil {
		return nil, false, err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, false, fmt.Errorf("data_dir: %w", err)
	}
	ring, err = keyring.Create(path)
	return ring, true, err
}

// keyringMissing says why a keyring that is not there must not be made: what
// another one has sealed would be lost without a word.
func keyringMissing(cfg config.Config) error {
	path, file := cfg.Secrets.KeyringFile, cfg.Database.File()
	switch {
	case !cfg.KeyringMayBeMade():
		return fmt.Errorf("secrets.keyring_file: %s does not exist: copy it from the other instance or the backup, or make one with `latchkey keyring create %s`", path, path)
	case file != "" && !blank(file):
		return fmt.Errorf("there is no keyring at %s, but the database %s was sealed with one: restore it from the backup, or correct secrets.keyring_file", path, file)
	}
	return nil
}

// blank reports whether a database file is not there, or holds nothing yet.
func blank(file string) bool {
	f, err := os.Stat(file)
	return errors.Is(err, os.ErrNotExist) || err == nil && f.Size() == 0
}

func (g *ground) close() error {
	err := g.db.Close()
	if g.cache != nil {
		err = errors.Join(err, g.cache.Close())
	}
	return err
}

// tokens looks after the tokens of the API.
func (g *ground) tokens() *apitoken.Service {
	return &apitoken.Service{Tokens: g.db.APITokens, Users: g.db.Users, Log: g.db.Log, Atomic: g.db.Atomic, Now: g.now}
}

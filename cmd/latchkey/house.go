package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/audit"
	"latchkey/idp/brand"
	"latchkey/idp/job"
	"latchkey/idp/keyring"
	"latchkey/idp/odoo"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/password"
	"latchkey/idp/place"
	"latchkey/idp/security"
	"latchkey/idp/settings"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/memory"
	"latchkey/idp/store/redis"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/passkey"
	"latchkey/mfa/temporary"
	"latchkey/mfa/totp"
	"latchkey/mfa/trust"
	"latchkey/ui/api"
	"latchkey/ui/locale"
	"latchkey/ui/message"
	"latchkey/ui/page"
	"latchkey/ui/protocol"
	pages "latchkey/ui/signin"
)

// base is the house without its doors: what the command line and the server
// share.
type base struct {
	cfg      config.Config
	db       *store.DB
	ring     *keyring.Ring
	accounts *account.Service
	help     *account.Help
	self     *account.Self
	apps     *oidc.Apps
	keys     *oidc.KeyRing
	engine   *mfa.Engine
	passkey  *passkey.Factor // nil: the issuer has no name
	hasher   *password.Hasher
	notices  *message.Notices
	brands   *brand.Service
	codes    *message.Codes
	settings *settings.Service
	texts    *textGateways
	lastUses *oidc.LastUses
	jobs     *job.Desk
	now      func() time.Time
	cache    closer

	odooOnce   sync.Once // see people
	odooPeople *connector.People
	// newKeyring says that the keyring was made at this start.
	newKeyring bool
}

type closer interface{ Close() error }

// openBase opens the database and brings it up to date.
func openBase(ctx context.Context, cfg config.Config) (*base, error) {
	return openAt(ctx, cfg, clock(), true)
}

// openAt opens the database; an older one is brought up to date only if
// migrate says so.
func openAt(ctx context.Context, cfg config.Config, now func() time.Time, migrate bool) (*base, error) {
	b := &base{cfg: cfg, now: now}
	var err error
	if b.passkey, err = passkeyFactor(cfg, now); err != nil {
		return nil, err
	}
	cache, err := openCache(cfg, b)
	if err != nil {
		return nil, err
	}
	ring, made, err := openKeyring(cfg)
	if err != nil {
		return nil, err
	}
	b.ring, b.newKeyring = ring, made
	file := cfg.Database.File()
	fresh := file != "" && blank(file)
	b.db, err = store.Open(ctx, store.Config{
		URL: cfg.Database.URL, Keyring: ring, Cache: cache, Now: b.now, Migrate: migrate,
		Migrated: func() {
			if !fresh { // a new one was never older
				slog.InfoContext(ctx, "brought the database up to date")
			}
		},
	})
	if err != nil {
		err = databaseDown(cfg, err)
		if made && errors.Is(err, store.ErrKeyring) {
			err = errors.Join(err, os.Remove(cfg.Secrets.KeyringFile))
		}
		return nil, err
	}
	b.wire()
	return b, nil
}

// openCache is Redis if one is named, and otherwise memory of this process.
func openCache(cfg config.Config, b *base) (store.Cache, error) {
	if cfg.Redis.URL == "" {
		return &memory.Cache{Now: b.now}, nil
	}
	c, err := redis.New(cfg.Redis.URL)
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
	b.cache = c
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

// wire puts the use cases on top of the database.
func (b *base) wire() {
	p, l := b.cfg.Passwords, b.cfg.Limits
	b.hasher = password.New(password.Params{Memory: p.MemoryKiB, Time: p.Time, Threads: p.Threads}, 0, 0)
	b.engine = &mfa.Engine{
		Credentials: b.db.Credentials(), Challenges: b.db.Challenges(), Limiter: b.db.Limiter(), Atomic: b.db.Atomic, Now: b.now,
		Rules: mfa.Rules{PerChallenge: l.ChallengeTries, PerAccount: l.FactorTries, Per: l.LockFor, Streak: l.FactorStreak, TTL: signin.TTL},
	}
	b.settings = &settings.Service{Store: b.db.Settings(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now, Limiter: b.db.Limiter()}
	b.texts = &textGateways{cfg: b.cfg, settings: b.settings, now: b.now}
	b.engine.Register(totp.Factor{Issuer: b.cfg.Branding.Name, Now: b.now})
	if b.passkey != nil {
		b.engine.Register(b.passkey)
	}
	b.engine.Register(b.codeFactors()...)
	b.engine.Register(backup.Factor{Hash: b.hasher.Key}, temporary.Factor{Hash: b.hasher.Key, Now: b.now})
	b.notices = &message.Notices{Outbox: b.db.Outbox(), Links: b.db.Links(), Issuer: b.cfg.Issuer, Brand: b.cfg.Branding.Name, Now: b.now}
	b.brands = b.branding()
	b.notices.House, b.codes.House = b.brands.House, b.brands.House
	b.notices.Texts = b.ownTexts()
	b.codes.Texts = b.notices.Texts
	b.accounts = &account.Service{
		Users: b.db.Users(), Groups: b.db.Groups(), Sessions: b.db.Sessions(), Factors: b.engine, Passwords: b.hasher, Log: b.db.Log(), Notify: b.notices, Policies: b.db.Policies(), Atomic: b.db.Atomic, Now: b.now, Locks: store.LocksOf(b.db), Links: b.db.Links(), Owners: b.db.Owners(), Doors: b.db.Doors(),
		Fed: b.fed, MinPassword: p.MinLength, Words: []string{b.cfg.Branding.Name, b.cfg.Branding.Company},
	}
	b.help = &account.Help{Service: b.accounts, Letters: b.notices, Limiter: b.db.Limiter(), Second: b.secondApprover}
	b.wireSelf()
	b.keys = oidc.NewKeyRing(b.db.Keys(), b.db.Atomic, b.now)
	b.lastUses = &oidc.LastUses{Store: b.db.ClientUses(), Now: b.now}
	b.jobs = b.workshop()
}

func (b *base) close() error {
	err := b.db.Close()
	if b.cache != nil {
		err = errors.Join(err, b.cache.Close())
	}
	return err
}

// house is the whole product. Only this file knows every package.
type house struct {
	*base
	http.Handler
	unready  atomic.Bool // as it was told last
	site     *page.Site
	signIn   *signin.Service
	security *security.Service
	devices  *trust.Book
	behind   background
	provider *oidc.Provider
	odoo     *odoo.Service
	audit    *audit.Service
	api      func() *api.API
}

// build adds the doors.
//
// extra adds pages that only some modes have.
func build(ctx context.Context, b *base, extra ...func(*house, gin.IRouter)) (*house, error) {
	root, err := b.db.Secret(ctx, "root")
	if err != nil {
		return nil, err
	}
	if err := b.keys.Ensure(ctx); err != nil {
		return nil, err
	}
	site, err := page.New(page.Config{
		Issuer: b.cfg.Issuer, CSRFKey: keyring.Derive(root, "csrf"), Name: b.cfg.Branding.Name, Brands: b.brands, Leads: b.contacts().Leads, Now: b.now,
	})
	if err != nil {
		return nil, err
	}
	if b.passkey != nil {
		b.passkey.Secret = keyring.Derive(root, "passkeys")
	}
	h := &house{base: b, site: site}
	if h.audit, err = b.auditLog(ctx); err != nil {
		return nil, err
	}
	h.devices = &trust.Book{Devices: b.db.Devices(), Secret: keyring.Derive(root, "devices"), Now: b.now}
	if file := b.cfg.Places.File; file != "" {
		places, err := place.Open(file, b.now)
		if err != nil {
			return nil, fmt.Errorf("places.file: %w", err)
		}
		h.devices.Place = places.Of
	}
	origin := func(r *http.Request) idp.Origin { return site.From(nil, r).Origin() }
	h.signIn = &signin.Service{
		Users: b.db.Users(), Sessions: b.db.Sessions(), Flows: b.db.Flows(), Policies: b.db.Policies(), Factors: b.engine,
		Passwords: b.hasher, Limiter: b.db.Limiter(), Log: b.db.Log(), Tokens: store.SessionTokensOf(b.db), Devices: h.devices, Links: b.db.Links(), Notify: b.notices, Atomic: b.db.Atomic, Sealer: b.ring,
		Secret: keyring.Derive(root, "known"), Rules: rules(b.cfg), Now: b.now, Elsewhere: b.trickle(), Limit: b.sessionLimit,
	}
	h.security = b.protection(h.devices, h.signIn)
	h.odoo = &odoo.Service{
		Tokens: b.db.OdooTokens(), Grants: b.db.Grants(), Users: b.db.Users(), Clients: b.db.Clients(), Log: b.db.Log(), Atomic: b.db.Atomic,
		Secret: keyring.Derive(root, "odoo"), Now: b.now, Origin: origin, Fault: fault, Note: refusal, LastUses: b.lastUses,
	}
	h.provider, err = oidc.New(oidc.Config{
		Issuer: b.cfg.Issuer, Secret: keyring.Derive(root, "oidc"), Grants: b.db.Grants(), Clients: b.db.Clients(), Consents: b.db.Consents(), Logins: b.db.Logins(),
		Keys: b.keys, Browser: pages.Browser{Site: site, Service: h.signIn}, Pages: protocol.Pages{Site: site},
		Lifetimes: oidc.Lifetimes(b.cfg.Tokens), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now, Locales: tags(), Origin: origin, Fault: fault, Implicit: h.odoo.Issue, Prepare: b.arriving(), LastUses: b.lastUses,
	})
	if err != nil {
		return nil, err
	}
	h.Handler, err = routes(h, extra)
	return h, err
}

// protection is what looks after accounts. The command line, which has no
// cookies, needs no sign-in.
func (b *base) protection(devices *trust.Book, signIn *signin.Service) *security.Service {
	return &security.Service{Means: security.Means{
		Users: b.db.Users(), Sessions: b.db.Sessions(), Flows: b.db.Flows(), Policies: b.db.Policies(), Factors: b.engine, Devices: devices,
		Passwords: b.hasher, Rules: b.accounts, Limiter: b.db.Limiter(), Log: b.db.Log(), Tokens: store.SessionTokensOf(b.db), Notify: b.notices,
		Atomic: b.db.Atomic, Sealer: b.ring, SignIn: signIn, Now: b.now,
	}}
}

// fault logs what went wrong inside and is never shown. Addresses are left
// out: they carry tokens.
func fault(r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "request failed", "method", r.Method, "err", err)
}

// refusal logs why an Odoo was refused. Odoo shows nothing of it, so that this
// line is where an operator finds the cause.
func refusal(r *http.Request, c oidc.ClientID, why string) {
	slog.WarnContext(r.Context(), "Odoo's validation was refused", "client", c, "why", why)
}

// tags lists the languages of the pages.
func tags() []string { return locale.Tags() }

func rules(cfg config.Config) signin.Rules {
	r := signin.DefaultRules
	r.AccountTries, r.AddressTries, r.Per = cfg.Limits.PasswordTries, cfg.Limits.AddressTries, cfg.Limits.LockFor
	r.Idle, r.Absolute = cfg.Sessions.Idle, cfg.Sessions.Absolute
	return r
}

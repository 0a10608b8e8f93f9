package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/idp/mail"
	"latchkey/idp/store/redis"
	"latchkey/migrations"
)

// finding is what one check found.
type finding struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, warn or fail
	Says  string `json:"says"`
}

func fine(format string, args ...any) finding {
	return finding{State: "ok", Says: fmt.Sprintf(format, args...)}
}

func warn(format string, args ...any) finding {
	return finding{State: "warn", Says: fmt.Sprintf(format, args...)}
}

func broken(err error) finding {
	return finding{State: "fail", Says: strings.Join(explain(err), "; ")}
}

// checks are what the doctor looks at. None of them changes anything.
var checks = []struct {
	name string
	look func(ctx context.Context, cfg config.Config) finding
}{
	{"keyring", lookAtKeyring},
	{"database", lookAtDatabase},
	{"audit log", lookAtLog},
	{"registration", lookAtRegistration},
	{"redis", lookAtRedis},
	{"mail", lookAtMail},
	{"sms", lookAtSMS},
	{"traces", lookAtTraces},
	{"issuer", lookAtIssuer},
	{"clock", lookAtClock},
}

func doctorCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check configuration, keyring, database, audit log, self-registration, Redis, mail server, SMS gateways, trace collector, issuer and clock", Args: nothing,
		Long:    "Check configuration, keyring, database, audit log, self-registration, Redis, mail server, SMS gateways, trace collector, issuer and clock, and change nothing. Exit code 1 when something is broken.\nThe issuer is asked over its public address, as relying parties do, so the server should be running.",
		Example: "  latchkey doctor --config latchkey.yaml",
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			found := a.examine(cmd.Context())
			well := true
			for _, f := range found {
				well = well && f.State != "fail"
			}
			err := a.print(cmd, map[string]any{"ok": well, "checks": found}, func(w io.Writer) {
				for _, f := range found {
					fmt.Fprintf(w, "%-4s  %-13s  %s\n", f.State, f.Name, strings.ReplaceAll(f.Says, "\n", "\n"+strings.Repeat(" ", 21)))
				}
			})
			if err == nil && !well {
				err = errFindings
			}
			return err
		}),
	}
}

func (a *app) examine(ctx context.Context) []finding {
	cfg, err := a.config()
	if err != nil {
		f := broken(err)
		f.Name, f.Says = "configuration", strings.Join(explain(err), "\n")
		return []finding{f} // the rest would examine something else
	}
	out := []finding{{"configuration", "ok", "no mistakes"}}
	for _, c := range checks {
		f := c.look(ctx, cfg)
		f.Name = c.name
		out = append(out, f)
	}
	return out
}

func lookAtKeyring(_ context.Context, cfg config.Config) finding {
	file := cfg.Secrets.KeyringFile
	_, err := keyring.Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err = keyringMissing(cfg); err == nil {
			return warn("%s is not there yet; it is made at the first start", file)
		}
	}
	if err != nil {
		return broken(err)
	}
	return fine("%s can be read", file)
}

func lookAtDatabase(ctx context.Context, cfg config.Config) finding {
	if path := cfg.Database.File(); path != "" && blank(path) {
		return warn("%s is not there yet; it is made at the first start", path)
	}
	if _, err := os.Stat(cfg.Secrets.KeyringFile); err != nil {
		return warn("not opened, as it takes the keyring")
	}
	b, err := openAt(ctx, cfg, clock(), false)
	switch {
	case errors.Is(err, migrations.ErrPending):
		return warn("it is older than this program: `latchkey migrate up`, or the next start, brings it up to date")
	case err != nil:
		return broken(err)
	}
	if err := errors.Join(b.db.Ready(ctx), b.close()); err != nil {
		return broken(err)
	}
	return fine("ready, and its secrets open with the keyring")
}

func lookAtRedis(ctx context.Context, cfg config.Config) finding {
	if cfg.Redis.URL == "" {
		return fine("not used; each instance has a cache of its own")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	switch err := redis.Ping(ctx, cfg.Redis.URL); {
	case errors.Is(err, idp.ErrInvalid):
		return broken(err)
	case err != nil:
		return warn("%v; sign-in goes on without it, only slower", err)
	}
	return fine("answers")
}

// lookAtMail talks to the mail server up to where a message would follow.
func lookAtMail(ctx context.Context, cfg config.Config) finding {
	if cfg.Mail.SMTPURL == "" {
		return fine("not used; no codes are sent by mail, and nobody is told of changes to their account")
	}
	server, err := mailServer(cfg, clock())
	if err != nil {
		return broken(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err = server.Probe(ctx)
	switch {
	case errors.Is(err, mail.ErrSender), errors.Is(err, mail.ErrToken): // they say what to do
		return broken(fmt.Errorf("%w; mails wait until then", err))
	case err != nil:
		return broken(fmt.Errorf("%w; is mail.smtp_url right, does the server speak TLS and know the password? Mails wait until then", err))
	}
	return fine("the server answers; mails are from %s; no message was sent", server.Sender())
}

// askIssuer gets the provider's discovery document as relying parties do.
func askIssuer(ctx context.Context, cfg config.Config) (says struct{ Issuer string }, date time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return says, date, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return says, date, fmt.Errorf("%w; is the server running, does the name lead to it, is its certificate good?", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return says, date, fmt.Errorf("%s answers with status %d: does the proxy lead to this server?", req.URL, resp.StatusCode)
	}
	date, _ = http.ParseTime(resp.Header.Get("Date")) // zero: not compared
	return says, date, json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&says)
}

func lookAtIssuer(ctx context.Context, cfg config.Config) finding {
	says, _, err := askIssuer(ctx, cfg)
	switch {
	case err != nil:
		return broken(err)
	case says.Issuer != cfg.Issuer:
		return broken(fmt.Errorf("%s is served by a server that calls itself %q: is it another one, or with another configuration?", cfg.Issuer, says.Issuer))
	}
	return fine("%s answers", cfg.Issuer)
}

// skewed is how far apart clocks may be before codes of authenticator apps
// fail: one step.
const skewed = 30 * time.Second

// lookAtClock compares this machine's clock with the one in front of the
// issuer; without that it can only see that it was never set.
func lookAtClock(ctx context.Context, cfg config.Config) finding {
	now := clock()()
	if now.Year() < 2026 {
		return broken(fmt.Errorf("it says %s: set the clock, or authenticator apps will not work", stamp(now)))
	}
	_, date, err := askIssuer(ctx, cfg)
	if err != nil || date.IsZero() {
		return warn("it says %s; there was nothing to compare it with", stamp(now))
	}
	if d := now.Sub(date).Abs(); d > skewed {
		return broken(fmt.Errorf("it is %s apart from the issuer's: authenticator apps will not work; run a time service such as chrony on both", d.Round(time.Second)))
	}
	return fine("it says %s, as the issuer's does", stamp(now))
}

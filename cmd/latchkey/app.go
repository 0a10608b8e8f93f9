package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/config"
	"latchkey/idp"
)

// app is what all commands share: the global flags.
type app struct {
	output
	file    string // --config
	started bool   // a command's own work began: errors before it are mistakes in usage
}

// host is who acts on the command line: whoever has a shell on the server. The
// log says so, with the name of the account (D-05).
var host = idp.Actor{Host: true, Origin: idp.Origin{Agent: "command line, " + shellUser()}}

func shellUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "user " + strconv.Itoa(os.Getuid())
}

func (a *app) root() *cobra.Command {
	root := group("latchkey", "Identity provider with multi-factor authentication, made for Odoo",
		"  latchkey serve --demo\n  latchkey user add --email ada@example.org --name 'Ada Lovelace'\n  latchkey client add --id odoo --type odoo --name Shop --redirect-uri https://shop.example.org/auth_oauth/signin")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&a.file, "config", os.Getenv("LATCHKEY_CONFIG"), "YAML `FILE` with the configuration (LATCHKEY_CONFIG); variables LATCHKEY_… win")
	f.BoolVar(&a.json, "json", false, "print JSON, for machines")
	root.AddCommand(serveCommand(a), migrateCommands(a), userCommands(a), groupCommands(a), companyCommands(a), clientCommands(a), odooCommands(a), policyCommands(a), brandingCommands(a),
		keyCommands(a), apiCommands(a), keyringCommands(a), secretCommands(a), backupCommand(a), restoreCommand(a), auditCommands(a), messageCommands(a), mailCommands(a), smsCommands(a), configCommand(a), doctorCommand(a), healthCommand(a), versionCommand(a))
	return root
}

// group makes a command that only has others below it.
func group(use, short, example string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Example: example, SuggestionsMinimumDistance: 2}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil // help
		}
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			return usagef("there is no command %q; did you mean %s?", args[0], strings.Join(near, " or "))
		}
		return usagef("there is no command %q; `%s --help` lists them", args[0], c.CommandPath())
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(below...)
	return c
}

// work marks the start of a command's own work.
func (a *app) work(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return do(cmd, args)
	}
}

// inHouse runs a command with the database open.
func (a *app) inHouse(do func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return a.work(func(cmd *cobra.Command, args []string) error {
		b, err := a.open(cmd)
		if err != nil {
			return err
		}
		return errors.Join(do(cmd.Context(), b, cmd, args), b.close())
	})
}

func (a *app) open(cmd *cobra.Command) (*base, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	file := cfg.Database.File()
	fresh := file != "" && blank(file)
	b, err := openBase(cmd.Context(), cfg)
	if err != nil {
		return nil, err
	}
	if b.newKeyring {
		noteKeyring(cmd, cfg)
	}
	if fresh {
		// An empty answer from the wrong folder looks like lost data.
		fmt.Fprintf(cmd.ErrOrStderr(), "note: made a new database at %s; is this the server's configuration?\n", file)
	}
	return b, nil
}

func noteKeyring(cmd *cobra.Command, cfg config.Config) {
	fmt.Fprintf(cmd.ErrOrStderr(), "note: made a keyring at %s; keep a copy in a safe place, the database is of no use without it\n", cfg.Secrets.KeyringFile)
}

func (a *app) config() (config.Config, error) {
	cfg, err := config.Load(a.file, os.Environ(), judgeGateways)
	if err != nil {
		return cfg, err
	}
	return cfg, clockAllowed(cfg)
}

// catalogueDelay is a little longer than the 500 ms after which every running
// server has noticed that clients, policies or keys have changed.
const catalogueDelay = 700 * time.Millisecond

const delayNote = "\nRunning servers know of the change when the command returns."

// settle waits until running servers have noticed a change. It is called after
// the change is made, so an interrupt only ends the waiting.
func settle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(catalogueDelay):
	}
}

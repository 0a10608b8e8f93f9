package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"latchkey/idp/odoo/connector"
)

// connectView is what connect prints. Names are part of the program's interface.
type connectView struct {
	Client        string           `json:"client_id"`
	Authorization string           `json:"authorization_url"`
	Validation    string           `json:"validation_url"`
	DryRun        bool             `json:"dry_run,omitempty"`
	Steps         []connector.Step `json:"steps"`
	Warnings      []string         `json:"warnings"`
	Notes         []connector.Note `json:"notes"` // the warnings, for other languages
	Branding      string           `json:"branding,omitempty"`
	connectionView
}

func odooConnect(a *app) *cobra.Command {
	var o connector.Order
	var key, plain bool
	c := &cobra.Command{
		Use: "connect --url U --login L --api-key-stdin", Short: "Connect an Odoo, or repair a connection", Args: nothing,
		Long: "Connect an Odoo: a client here, Odoo's provider row with its button there, and a test token that goes the whole way. Nothing is installed in\n" +
			"Odoo but its own module auth_oauth, where that is not switched on yet. Running it again changes only what is not as it should be.\n" +
			"The login needs Odoo's right \"Administration: Settings\". Make it an API key in Odoo: My Profile, Account Security, New API Key." + delayNote,
		Example: "  latchkey odoo connect --url https://erp.example.org --db erp --login admin --api-key-stdin < key",
	}
	f := c.Flags()
	f.StringVar(&o.URL, "url", "", "Odoo's `ADDRESS`, as this server reaches it")
	f.StringVar(&o.Database, "db", "", "`DATABASE`; not needed where Odoo lists a single one")
	f.StringVar(&o.Login, "login", "", "`LOGIN` of an administrator in Odoo")
	f.BoolVar(&key, "api-key-stdin", false, "read the API key, or a password, from standard input; asked for on a terminal")
	f.StringVar(&o.ID, "name", "", "`NAME` of the connection and its client; odoo when left out")
	f.StringVar(&o.Reach, "reach", "", "`ADDRESS` at which Odoo's server reaches Latchkey, if not at the issuer, such as http://latchkey:8080")
	f.BoolVar(&o.Moved, "moved", false, "the Odoo of this name is the same one at a new address")
	f.BoolVar(&plain, "no-branding", false, "do not give the client name, colours and logo of Odoo's company; one that has a brand keeps it in any case")
	f.BoolVar(&o.Dry, "dry-run", false, "look, say what would be done, change nothing")
	_ = c.MarkFlagRequired("url") // fails only for a flag that is not there
	_ = c.MarkFlagRequired("login")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) (err error) {
		switch {
		case key:
			o.Key, err = secretLine(cmd, "--api-key-stdin")
		case terminal():
			o.Key, err = askSecret(cmd, "API key or password of "+clean(o.Login)+" in Odoo: ")
		default:
			err = usagef("--api-key-stdin is needed where there is nobody to ask")
		}
		if err != nil {
			return err
		}
		tell := func(s connector.Step) {
			if !a.json {
				fmt.Fprintf(cmd.OutOrStdout(), "%5.1f s  %-13s %s\n", s.Seconds, s.Name, clean(s.Did))
			}
		}
		r, err := b.odoo.office().Setup.Connect(ctx, host, o, tell)
		if err != nil {
			return err
		}
		branding := ""
		if !plain {
			if branding, err = b.odoo.dress(ctx, host, r.Connection, o.Dry); err != nil {
				return fmt.Errorf("connected, but the client has no brand: %w", err)
			}
		}
		if !o.Dry {
			settle(ctx)
		}
		v := connectView{
			Client: string(r.Connection.Client), Authorization: r.AuthorizationURL, Validation: r.ValidationURL, DryRun: o.Dry, Steps: r.Steps,
			Warnings: connector.Texts(r.Warnings), Notes: append([]connector.Note{}, r.Warnings...), Branding: branding, connectionView: viewConnection(r.Connection),
		}
		return a.print(cmd, v, v.write)
	})
	return c
}

func (v connectView) write(w io.Writer) {
	fmt.Fprintln(w)
	for _, n := range v.Warnings {
		fmt.Fprintln(w, "note:", clean(n))
	}
	field(w, "client id", v.Client)
	field(w, "authorization", v.Authorization)
	field(w, "validation", v.Validation)
	field(w, "branding", v.Branding)
	if !v.DryRun {
		fmt.Fprintf(w, "\nOdoo's login page has the button now. Next: `latchkey odoo import %s`, `latchkey odoo link %s`, `latchkey odoo doctor %s`.\n", v.ID, v.ID, v.ID)
	}
}

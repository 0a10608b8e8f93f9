package main

import (
	"github.com/spf13/cobra"
)

func serveCommand(a *app) *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use: "serve", Short: "Run the server", Args: nothing,
		Long: "Run the server until it is told to stop (SIGTERM, Ctrl-C); requests under way may finish.\n" +
			"An empty or older database is brought up to date first, unless --no-migrate is given.",
		Example: "  latchkey serve --demo\n  LATCHKEY_ISSUER=https://id.example.org LATCHKEY_LISTEN=0.0.0.0:8080 latchkey serve",
	}
	f := c.Flags()
	f.BoolVar(&o.Demo, "demo", false, "with people, a policy and a shop to play with; on this machine only")
	f.BoolVar(&o.DemoPublic, "demo-public", false, "let others reach the demo, whose passwords are public")
	f.BoolVar(&o.NoMigrate, "no-migrate", false, "refuse an older database instead of bringing it up to date")
	c.RunE = a.work(func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.config()
		if err != nil {
			return err
		}
		o.JSON, o.Out = a.json, cmd.OutOrStdout()
		err = serve(cmd.Context(), cfg, o)
		a.json = a.json || cfg.Log.Format == "json" // the last line of the log is JSON, too
		return err
	})
	return c
}

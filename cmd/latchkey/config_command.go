package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/config"
)

func configCommand(a *app) *cobra.Command {
	var help strings.Builder
	help.WriteString("Check the configuration and show it without its secrets, with where each value comes from.\n\nKeys, with their variables:\n")
	for _, k := range config.Keys() {
		fmt.Fprintf(&help, "  %-24s %s\n", k.Name, k.Variable())
	}
	help.WriteString("Addresses with passwords can also come from a file that LATCHKEY_…_FILE names.")
	return &cobra.Command{
		Use: "config", Short: "Check the configuration and show it", Long: help.String(), Args: nothing, Example: "  latchkey config --config latchkey.yaml",
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			settings := cfg.Masked()
			return a.print(cmd, settings, func(w io.Writer) {
				for _, s := range settings {
					fmt.Fprintf(w, "%-24s %-40s # %s\n", s.Key+":", s.Value, s.From)
				}
			})
		}),
	}
}

package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// exactly, atLeast, atMost and nothing say how many words a command takes, in
// our own sentence: the library's names neither the words nor the command.
func exactly(n int) cobra.PositionalArgs { return between(n, n) }
func atLeast(n int) cobra.PositionalArgs { return between(n, 1<<10) }
func atMost(n int) cobra.PositionalArgs  { return between(0, n) }

func nothing(c *cobra.Command, args []string) error { return between(0, 0)(c, args) }

func between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		use := strings.TrimSuffix(c.CommandPath(), c.Name()) + c.Use
		switch {
		case len(args) < least:
			return usagef("something is missing: `%s` is how the command is used", use)
		case len(args) > most:
			return usagef("%q is too much: `%s` is how the command is used", args[most], use)
		}
		return nil
	}
}

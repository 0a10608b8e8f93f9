package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp/account"
)

func userTemporary(a *app) *cobra.Command {
	var in account.Temporary
	var void bool
	c := &cobra.Command{
		Use: "temporary-code WHO --reason TEXT", Short: "Give a person a code for the second step, good for a short time", Args: exactly(1),
		Long: "Give a person who has no second factor at hand a code for the second step of their sign-in, good for at most 72 hours and 10 uses.\n" +
			"It is shown once; an earlier one is void. Be sure who asks for it: the reason is kept in the log, and the person is told by mail.",
		Example: "  latchkey user temporary-code ada@example.org --reason 'phone broken, seen at the desk' --for 8h",
	}
	c.Flags().StringVar(&in.Reason, "reason", "", "why, as `TEXT` for the log")
	c.Flags().DurationVar(&in.For, "for", 24*time.Hour, "how long it is good, such as 8h; at most 72h")
	c.Flags().IntVar(&in.Uses, "uses", 1, "for how many sign-ins it is good; at most 10")
	c.Flags().BoolVar(&void, "void", false, "take back the code that they have")
	c.MarkFlagsOneRequired("reason", "void")
	c.MarkFlagsMutuallyExclusive("reason", "void")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		u, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		if void {
			if err := b.people.help.Codes().Void(ctx, host, u.ID); err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": u.ID}, "%s has no temporary code any more", clean(u.Login))
		}
		if cmd.Flags().Changed("for") && in.For == 0 || cmd.Flags().Changed("uses") && in.Uses == 0 {
			return usagef("--for and --uses must be more than 0")
		}
		until := b.now().Add(in.For).UTC().Truncate(time.Second)
		code, err := b.people.help.Codes().Give(ctx, host, u.ID, in)
		if err != nil {
			return err
		}
		v := struct {
			ID      string    `json:"id"`
			Code    string    `json:"code"`
			Uses    int       `json:"uses"`
			Expires time.Time `json:"expires"`
		}{string(u.ID), code, in.Uses, until}
		return a.print(cmd, v, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n", code)
			fmt.Fprintf(cmd.ErrOrStderr(), "note: good for the second step of %s, uses: %d, until %s; it is not shown again\n", clean(u.Login), in.Uses, stamp(until))
		})
	})
	return c
}

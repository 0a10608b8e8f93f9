package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func userExport(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "export WHO", Short: "Write down everything that is held about a person, as JSON", Args: exactly(1),
		Long: "Write everything that is held about a person to standard output, in the format of their own page (docs/export.md), for somebody who asked for it on paper.\n" +
			"No secret is in it. It is noted in the log, and the person is told by mail.",
		Example: "  latchkey user export ada@example.org > ada.json",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			u, err := b.people.accounts.Find(ctx, args[0])
			if err != nil {
				return err
			}
			return b.people.export().WriteOf(ctx, host, u, func() io.Writer { return escaping{cmd.OutOrStdout()} })
		}),
	}
}

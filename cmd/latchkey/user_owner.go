package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	pages "latchkey/ui/signin"
)

func userOwnerLink(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "owner-link", Short: "Print a link that makes the first owner", Args: nothing, Example: "  latchkey user owner-link",
		Long: "Print a link that makes the owner's account, good once and for 24 hours, as `serve` does while nobody owns the installation.\n" +
			"Where there is an owner already, `latchkey user update WHO --role owner` makes another one.",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			token, until, err := b.people.accounts.Founding().OwnerLink(ctx, host.Origin)
			if errors.Is(err, idp.ErrTaken) {
				return fmt.Errorf("%w already; `latchkey user update WHO --role owner` makes another one", err)
			} else if err != nil {
				return err
			}
			v := struct {
				URL     string    `json:"url"`
				Expires time.Time `json:"expires"`
			}{pages.FoundingAddress(b.cfg.Issuer, token), until.UTC().Truncate(time.Second)}
			return a.print(cmd, v, func(w io.Writer) { fmt.Fprintln(w, v.URL) })
		}),
	}
}

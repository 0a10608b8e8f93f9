package main

import (
	"context"

	"github.com/spf13/cobra"
)

func keyCommands(a *app) *cobra.Command {
	return group("key", "The keys that sign tokens", "  latchkey key list", keyList(a), keyRotate(a))
}

func keyList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List signing keys and where they are in their life", Args: nothing, Example: "  latchkey key list",
		Long: "List signing keys. A key is published as next, signs as current, and still verifies when it is retired.",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			return a.listKeys(ctx, b, cmd)
		}),
	}
}

func (a *app) listKeys(ctx context.Context, b *base, cmd *cobra.Command) error {
	ks, err := b.protocol.custodian().List(ctx, host)
	if err != nil {
		return err
	}
	l := a.list(cmd, "ID", "ALGORITHM", "STATE", "SINCE", "CREATED")
	for _, k := range ks {
		v := map[string]any{"id": k.ID, "alg": k.Alg, "state": k.State, "since": stamp(k.Changed), "created": stamp(k.Created)}
		if err := l.add(v, k.ID, k.Alg, k.State, stamp(k.Changed), stamp(k.Created)); err != nil {
			return err
		}
	}
	return l.end()
}

func keyRotate(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Let the keys that are published ahead take over", Args: nothing,
		Long: "Let the keys that are published ahead take over, and publish new ones. The old ones verify until their last token is dead,\n" +
			"so no relying party notices." + delayNote,
		Example: "  latchkey key rotate",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			if err := b.protocol.custodian().Rotate(ctx, host); err != nil {
				return err
			}
			settle(ctx)
			return a.listKeys(ctx, b, cmd)
		}),
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"latchkey/idp/store"
	"latchkey/migrations"
)

func migrateCommands(a *app) *cobra.Command {
	var yes bool
	up := &cobra.Command{
		Use: "up", Short: "Bring the database up to date", Args: nothing, Example: "  latchkey migrate up",
		Long: "Bring the database up to date. Of several at once one works and the others wait; what was interrupted goes on.",
		RunE: a.migrating(func(ctx context.Context, m migrations.Database, cmd *cobra.Command) error {
			if err := m.Up(ctx); err != nil {
				return err
			}
			return a.say(cmd, map[string]any{}, "the database is up to date")
		}),
	}
	down := &cobra.Command{
		Use: "down", Short: "Take the last migration back, with the data that it held", Args: nothing, Example: "  latchkey migrate down --yes",
		RunE: a.migrating(func(ctx context.Context, m migrations.Database, cmd *cobra.Command) error {
			if err := sure(cmd, yes, "The last migration and the data that it holds will be removed."); err != nil {
				return err
			}
			name, err := m.Down(ctx)
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"name": name}, "%s is taken back", name)
		}),
	}
	down.Flags().BoolVar(&yes, "yes", false, "do not ask")
	status := &cobra.Command{
		Use: "status", Short: "List migrations and when they were applied", Args: nothing, Example: "  latchkey migrate status",
		RunE: a.migrating(func(ctx context.Context, m migrations.Database, cmd *cobra.Command) error {
			steps, err := m.Status(ctx)
			if err != nil {
				return err
			}
			l := a.list(cmd, "VERSION", "NAME", "APPLIED")
			for _, s := range steps {
				applied := stamp(s.Applied)
				v := map[string]any{"version": s.Version, "name": s.Name, "applied": applied != ""}
				if applied == "" {
					applied = "not yet"
				} else {
					v["applied_at"] = applied
				}
				if err := l.add(v, s.Version, s.Name, applied); err != nil {
					return err
				}
			}
			return errors.Join(l.end(), newer(ctx, m))
		}),
	}
	return group("migrate", "The database's schema", "  latchkey migrate status", up, down, status)
}

// newer fails when the database is ahead of this program, which the list of
// its migrations cannot show.
func newer(ctx context.Context, m migrations.Database) error {
	if err := migrations.Check(ctx, m.DB, m.Dialect); !errors.Is(err, migrations.ErrPending) {
		return err
	}
	return nil
}

func (a *app) migrating(do func(ctx context.Context, m migrations.Database, cmd *cobra.Command) error) func(*cobra.Command, []string) error {
	return a.work(func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.config()
		if err != nil {
			return err
		}
		if !cfg.Database.Shared() {
			if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
				return fmt.Errorf("data_dir: %w", err)
			}
		}
		if file := cfg.Database.File(); file != "" && blank(file) {
			// Made beside the database: later a missing one means a lost one.
			_, made, err := openKeyring(cfg)
			if err != nil {
				return err
			}
			if made {
				noteKeyring(cmd, cfg)
			}
		}
		m, closeDB, err := store.Migrations(cfg.Database.URL)
		if err != nil {
			return err
		}
		return errors.Join(databaseDown(cfg, do(cmd.Context(), m, cmd)), closeDB())
	})
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"latchkey/idp/keyring"
)

func keyringCommands(a *app) *cobra.Command {
	return group("keyring", "The keys that seal secrets in the database", "  latchkey keyring create /etc/latchkey/keyring.json", keyringCreate(a))
}

func keyringCreate(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "create [FILE]", Short: "Make a keyring file that only you can read", Args: atMost(1),
		Long: "Make a keyring file that only you can read; without FILE, the one that secrets.keyring_file names.\n" +
			"A keyring that is there already stays as it is. Keep a copy in a safe place: the database is of no use without it.",
		Example: "  latchkey keyring create /etc/latchkey/keyring.json",
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			file, err := a.keyringFile(args)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			_, err = keyring.Load(file)
			made := errors.Is(err, fs.ErrNotExist)
			if made {
				_, err = keyring.Create(file)
			}
			if err != nil {
				return err
			}
			done := "was there already; it stays as it is"
			if made {
				done = "is made; keep a copy in a safe place"
			}
			return a.say(cmd, map[string]any{"file": file, "created": made}, "%s %s", file, done)
		}),
	}
}

func (a *app) keyringFile(args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	cfg, err := a.config()
	if err != nil {
		return "", fmt.Errorf("%w\nor name the FILE to make", err)
	}
	return cfg.Secrets.KeyringFile, nil
}

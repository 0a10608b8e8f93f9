package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
)

func policyCommands(a *app) *cobra.Command {
	return group("policy", "Who needs a second factor", "  latchkey policy apply policies.yaml",
		policyList(a), policyShow(a), policyPreview(a), policyApply(a), policyRemove(a), policyHistory(a), policyRollback(a))
}

func policyList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Print all policies as a file that `policy apply` takes", Args: nothing, Example: "  latchkey policy list > policies.yaml",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			ps, err := b.db.Policies.All(ctx)
			if err != nil {
				return err
			}
			if a.json {
				return encoder(cmd.OutOrStdout()).Encode(append([]policy.Policy{}, ps...))
			}
			text, err := policy.Format(ps)
			if err == nil {
				_, err = cmd.OutOrStdout().Write(text)
			}
			return err
		}),
	}
}

func policyShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Print one policy as a file that `policy apply` takes", Args: exactly(1), Example: "  latchkey policy show portal-needs-second-factor",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			ps, err := b.db.Policies.All(ctx)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(ps, func(p policy.Policy) bool { return p.Name == args[0] })
			if i < 0 {
				return noPolicy(args[0])
			}
			if a.json {
				return encoder(cmd.OutOrStdout()).Encode(ps[i])
			}
			text, err := policy.Format(ps[i : i+1])
			if err == nil {
				_, err = cmd.OutOrStdout().Write(text)
			}
			return err
		}),
	}
}

func noPolicy(name string) error {
	return fmt.Errorf("%w: no policy has the name %q; `latchkey policy list` prints them", idp.ErrNotFound, name)
}

func policyApply(a *app) *cobra.Command {
	var dry bool
	var reason string
	c := &cobra.Command{
		Use: "apply FILE", Short: "Add the policies of a YAML file; those with a known name are replaced", Args: exactly(1),
		Long: "Add the policies of a YAML file (- is standard input); those with a known name are replaced, others stay.\nA file with a mistake changes nothing. " +
			"Whoever could not sign in any more is named in a note.\nWith --dry-run nothing is changed, and the effect is counted; `latchkey policy preview` says more." + delayNote,
		Example: "  latchkey policy apply policies.yaml --dry-run\n  latchkey policy apply policies.yaml",
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "check the file and count its effect, but change nothing")
	reasonFlag(c, &reason)
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		ps, err := readPolicies(cmd, args[0])
		if err != nil {
			return err
		}
		names := make([]string, len(ps))
		for i, p := range ps {
			names[i] = p.Name
		}
		there, err := b.db.Policies.All(ctx)
		if err != nil {
			return err
		}
		notes, outlook, err := b.rules.notesOn(ctx, cmd, a, there, ps)
		if err != nil {
			return err
		}
		if !dry {
			if _, err = b.rules.book().Apply(ctx, host, ps, rulebook.Means{Reason: reason}); err != nil {
				return err
			}
			settle(ctx)
		}
		for _, n := range notes {
			fmt.Fprintln(cmd.ErrOrStderr(), "note:", clean(n))
		}
		if !dry {
			return a.say(cmd, map[string]any{"policies": names, "notes": notes}, "applied: %s", clean(strings.Join(names, ", ")))
		}
		return a.print(cmd, map[string]any{"ok": true, "dry_run": true, "policies": names, "notes": notes, "outlook": viewOutlook(outlook, time.Time{})}, func(w io.Writer) {
			printOutlook(w, outlook, time.Time{})
			fmt.Fprintln(w, "Nothing was changed.")
		})
	})
	return c
}

func readPolicies(cmd *cobra.Command, name string) ([]policy.Policy, error) {
	text, err := readFile(cmd, name)
	if err != nil {
		return nil, err
	}
	return policy.Parse(text)
}

// readFile reads a file of at most a mebibyte, or standard input.
func readFile(cmd *cobra.Command, name string) ([]byte, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if len(text) > most {
		return nil, usagef("%s is larger than 1 MiB", name)
	}
	return text, err
}

func reasonFlag(c *cobra.Command, reason *string) {
	c.Flags().StringVar(reason, "reason", "", "`WHY`, for the policy's history")
}

func policyRemove(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "remove NAME", Short: "Remove a policy", Args: exactly(1),
		Long:    "Remove a policy. Its history stays, and `latchkey policy rollback` brings it back." + delayNote,
		Example: "  latchkey policy remove portal-needs-second-factor",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			id, err := policyNamed(ctx, b.rules.book(), args[0])
			if err == nil {
				err = b.rules.book().Remove(ctx, host, id, rulebook.Means{Reason: reason})
			}
			if errors.Is(err, idp.ErrNotFound) {
				err = noPolicy(args[0])
			}
			if err != nil {
				return err
			}
			settle(ctx)
			return a.say(cmd, map[string]any{"name": args[0]}, "the policy %s is removed", clean(args[0]))
		}),
	}
	reasonFlag(c, &reason)
	return c
}

// policyNamed is the id of the policy that has a name, or had it last.
func policyNamed(ctx context.Context, book *rulebook.Service, name string) (string, error) {
	id, err := book.Find(ctx, host, name)
	if errors.Is(err, idp.ErrNotFound) {
		err = noPolicy(name)
	}
	return id, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
)

func policyCommands(a *app) *cobra.Command {
	return group("policy", "Who needs a second factor", "  latchkey policy apply policies.yaml", policyList(a), policyApply(a), policyRemove(a))
}

func policyList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Print all policies as a file that `policy apply` takes", Args: nothing, Example: "  latchkey policy list > policies.yaml",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			ps, err := b.db.Policies().All(ctx)
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

func policyApply(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "apply FILE", Short: "Add the policies of a YAML file; those with a known name are replaced", Args: exactly(1),
		Long:    "Add the policies of a YAML file (- is standard input); those with a known name are replaced, others stay.\nA file with a mistake changes nothing." + delayNote,
		Example: "  latchkey policy apply policies.yaml",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			text, err := readFile(cmd, args[0])
			if err != nil {
				return err
			}
			ps, err := policy.Parse(text)
			if err != nil {
				return err
			}
			names := make([]string, len(ps))
			for i, p := range ps {
				names[i] = p.Name
			}
			unknown, err := b.strangers(ctx, ps)
			if err != nil {
				return err
			}
			err = b.change(ctx, "policy.apply", "", map[string]string{"policies": strings.Join(names, " ")}, func(ctx context.Context) error {
				return b.db.Policies().Apply(ctx, ps)
			})
			if err != nil {
				return err
			}
			notes := append(b.unmeetable(ps), unknown...)
			for _, n := range notes {
				fmt.Fprintln(stderr, "note:", clean(n))
			}
			return a.say(cmd, map[string]any{"policies": names, "notes": notes}, "applied: %s", clean(strings.Join(names, ", ")))
		}),
	}
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

func policyRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a policy", Args: exactly(1), Long: "Remove a policy." + delayNote, Example: "  latchkey policy remove portal-needs-second-factor",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			err := b.change(ctx, "policy.remove", "", map[string]string{"policies": args[0]}, func(ctx context.Context) error {
				return b.db.Policies().Remove(ctx, args[0])
			})
			if errors.Is(err, idp.ErrNotFound) {
				err = fmt.Errorf("%w: no policy has the name %q; `latchkey policy list` prints them", err, args[0])
			}
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"name": args[0]}, "the policy %s is removed", clean(args[0]))
		}),
	}
}

// unmeetable names the policies that nobody can satisfy with the factors there
// are: whom they concern could not sign in.
func (b *base) unmeetable(ps []policy.Policy) []string {
	notes := []string{}
	for _, p := range ps {
		p.Whom = policy.Whom{Everyone: true}
		d := policy.Decide([]policy.Policy{p}, policy.Facts{Now: b.now()})
		if d.Assurance != policy.None && len(d.Usable([]mfa.Kind{totp.Kind})) == 0 {
			notes = append(notes, fmt.Sprintf("policy %q asks for what cannot be set up: this version offers authenticator apps (totp); whom it concerns cannot sign in", p.Name))
		}
	}
	return notes
}

// strangers names the groups and people of policies that are not there: a
// mistyped one would leave somebody unprotected without a word. They may come
// later, so this is no mistake.
func (b *base) strangers(ctx context.Context, ps []policy.Policy) (notes []string, err error) {
	gs, err := b.db.Groups().All(ctx)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, g := range gs {
		there[g.Name] = true
	}
	for _, p := range ps {
		for _, g := range p.Whom.Groups {
			if !there[g] {
				notes = append(notes, fmt.Sprintf("policy %s names the group %q, which does not exist (yet)", p.Name, g))
			}
		}
		people := slices.Clone(p.Whom.Users)
		for _, e := range p.Whom.Except {
			people = append(people, e.User)
		}
		for _, who := range people {
			if _, err := b.accounts.Find(ctx, who); errors.Is(err, idp.ErrNotFound) {
				notes = append(notes, fmt.Sprintf("policy %s names the user %q, who does not exist (yet)", p.Name, who))
			} else if err != nil {
				return nil, err
			}
		}
	}
	return notes, nil
}

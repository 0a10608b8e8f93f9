package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/rulebook"
)

// versionView is a version as machines see it.
type versionView struct {
	Policy  string `json:"policy"`
	Version int    `json:"version"`
	Name    string `json:"name"`
	Act     string `json:"act"`
	Source  int    `json:"rolled_back_to,omitempty"`
	At      string `json:"at"`
	Actor   string `json:"actor"`
	Who     string `json:"who"`
	Reason  string `json:"reason"`
	File    string `json:"file"`
}

func policyHistory(a *app) *cobra.Command {
	var number int
	c := &cobra.Command{
		Use: "history NAME", Short: "List the versions of a policy, or print one as a file", Args: exactly(1),
		Long:    "List every version of a policy that was in force: when, by whom and why, the newest first. A policy that was removed is found by the name that it had.",
		Example: "  latchkey policy history portal-needs-second-factor\n  latchkey policy history portal-needs-second-factor --version 3",
	}
	c.Flags().IntVar(&number, "version", 0, "print the version with this `NUMBER` as a file that `policy apply` takes")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		id, err := policyNamed(ctx, b.rules.book(), args[0])
		if err != nil {
			return err
		}
		if number > 0 {
			return printVersion(ctx, a, b.rules.book(), cmd, id, args[0], number)
		}
		l := a.list(cmd, "VERSION", "AT", "NAME", "WHAT", "WHO", "WHY")
		const page = 100
		for before := 0; ; {
			vs, err := b.rules.book().History(ctx, host, id, before, page)
			if err != nil {
				return err
			}
			for _, v := range vs {
				if err := l.add(viewVersion(v), v.Number, stamp(v.At), v.Name, did(v), v.Who, v.Reason); err != nil {
					return err
				}
				before = v.Number
			}
			if len(vs) < page {
				return l.end()
			}
		}
	})
	return c
}

func printVersion(ctx context.Context, a *app, book *rulebook.Service, cmd *cobra.Command, id, name string, number int) error {
	v, err := book.Version(ctx, host, id, number)
	if errors.Is(err, idp.ErrNotFound) {
		err = fmt.Errorf("%w: the policy %s has no version %d; `latchkey policy history` lists them", idp.ErrNotFound, clean(name), number)
	}
	if err != nil {
		return err
	}
	return a.print(cmd, viewVersion(v), func(w io.Writer) { fmt.Fprint(w, v.Body) })
}

// did says what made a version.
func did(v rulebook.Version) string {
	if v.Source > 0 {
		return string(v.Act) + " to " + strconv.Itoa(v.Source)
	}
	return string(v.Act)
}

func viewVersion(v rulebook.Version) versionView {
	return versionView{v.Policy, v.Number, v.Name, string(v.Act), v.Source, stamp(v.At), string(v.Actor), v.Who, v.Reason, v.Body}
}

func policyRollback(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "rollback NAME VERSION", Short: "Put an older version of a policy in force again", Args: exactly(2),
		Long:    "Put an older version of a policy in force again, as a new version; also of a policy that was removed, by the name that it had." + delayNote,
		Example: "  latchkey policy rollback portal-needs-second-factor 3 --reason 'too early'",
	}
	reasonFlag(c, &reason)
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		number, err := strconv.Atoi(args[1])
		if err != nil || number < 1 {
			return usagef("%q is no number of a version; `latchkey policy history %s` lists them", args[1], args[0])
		}
		id, err := policyNamed(ctx, b.rules.book(), args[0])
		if err != nil {
			return err
		}
		v, err := b.rules.book().Rollback(ctx, host, id, number, rulebook.Means{Reason: reason})
		if errors.Is(err, idp.ErrNotFound) {
			err = fmt.Errorf("%w: the policy %s has no version %d; `latchkey policy history` lists them", idp.ErrNotFound, clean(args[0]), number)
		}
		if err != nil {
			return err
		}
		if v.Number == 0 {
			return a.say(cmd, map[string]any{"name": args[0], "version": 0}, "the policy %s says what version %d says already; nothing was changed", clean(args[0]), number)
		}
		settle(ctx)
		return a.say(cmd, map[string]any{"name": v.Name, "version": v.Number}, "the policy %s is as in version %d again; this is version %d", clean(v.Name), number, v.Number)
	})
	return c
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/account"
)

func groupCommands(a *app) *cobra.Command {
	return group("group", "Groups of people", "  latchkey group join accounting ada@example.org",
		groupAction(a, "add", "Add a group; one that is there stays as it is", "is there",
			func(m account.Memberships) func(context.Context, idp.Actor, string) error { return m.AddGroup }),
		groupList(a), groupRename(a),
		groupAction(a, "remove", "Remove a group; its members stay", "is removed",
			func(m account.Memberships) func(context.Context, idp.Actor, string) error { return m.RemoveGroup }),
		membership(a, "join", "Put people into a group, which is added if it is new", "is in",
			func(m account.Memberships) func(context.Context, idp.Actor, string, idp.UserID) error { return m.Join }),
		membership(a, "leave", "Take people out of a group", "is not in",
			func(m account.Memberships) func(context.Context, idp.Actor, string, idp.UserID) error { return m.Leave }))
}

func groupList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List groups and how many are in them", Args: nothing, Example: "  latchkey group list",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			gs, err := b.db.Groups.All(ctx)
			if err != nil {
				return err
			}
			l := a.list(cmd, "GROUP", "MEMBERS")
			for _, g := range gs {
				if err := l.add(map[string]any{"name": g.Name, "members": g.Members}, g.Name, g.Members); err != nil {
					return err
				}
			}
			return l.end()
		}),
	}
}

func groupRename(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rename GROUP NAME", Short: "Rename a group; policies and clients that name it follow", Args: exactly(2),
		Long:    "Rename a group. Policies, drafts and clients that name it follow, all at once." + delayNote,
		Example: "  latchkey group rename accounting finance",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			err := b.rules.groups().Rename(ctx, host, args[0], args[1])
			switch {
			case errors.Is(err, idp.ErrNotFound):
				err = fmt.Errorf("%w: there is no group %q; `latchkey group list` prints them", idp.ErrNotFound, args[0])
			case errors.Is(err, idp.ErrTaken):
				err = fmt.Errorf("%w: there is a group %q already", idp.ErrTaken, args[1])
			}
			if err != nil {
				return err
			}
			settle(ctx)
			return a.say(cmd, map[string]any{"name": args[1], "was": args[0]}, "the group %s is called %s now", clean(args[0]), clean(args[1]))
		}),
	}
}

func groupAction(a *app, name, short, done string, pick func(account.Memberships) func(context.Context, idp.Actor, string) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " GROUP", Short: short, Args: exactly(1), Example: "  latchkey group " + name + " accounting",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			err := pick(b.people.accounts.Memberships())(ctx, host, args[0])
			if errors.Is(err, idp.ErrNotFound) {
				err = fmt.Errorf("%w: there is no group %q; `latchkey group list` prints them", idp.ErrNotFound, args[0])
			}
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"name": args[0]}, "the group %s %s", clean(args[0]), done)
		}),
	}
}

func membership(a *app, name, short, done string, pick func(account.Memberships) func(context.Context, idp.Actor, string, idp.UserID) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " GROUP WHO...", Short: short, Args: atLeast(2), Example: "  latchkey group " + name + " accounting ada@example.org",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			people := make([]idp.User, 0, len(args)-1)
			for _, who := range args[1:] { // all are known before any is changed
				u, err := b.people.accounts.Find(ctx, who)
				if err != nil {
					return err
				}
				people = append(people, u)
			}
			ids := make([]idp.UserID, len(people))
			for i, u := range people {
				if err := pick(b.people.accounts.Memberships())(ctx, host, args[0], u.ID); err != nil {
					return fmt.Errorf("%s: %w", u.Login, err)
				}
				ids[i] = u.ID
			}
			return a.print(cmd, map[string]any{"ok": true, "name": args[0], "users": ids}, func(w io.Writer) {
				for _, u := range people {
					fmt.Fprintf(w, "%s %s %s\n", clean(u.Login), done, clean(args[0]))
				}
			})
		}),
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/temporary"
)

// onPerson runs a command about one person.
func (a *app) onPerson(do func(ctx context.Context, b *base, cmd *cobra.Command, u idp.User) error) func(*cobra.Command, []string) error {
	return a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		u, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		return do(ctx, b, cmd, u)
	})
}

// deviceView is a trusted browser as the command line shows it.
type deviceView struct {
	ID      string     `json:"id"`
	Proven  []mfa.Kind `json:"proven"`
	Agent   string     `json:"user_agent"`
	Address string     `json:"address"`
	Place   string     `json:"place,omitempty"`
	Created time.Time  `json:"created"`
	Used    time.Time  `json:"used"`
	Expires time.Time  `json:"expires"`
}

func userDevices(a *app) *cobra.Command {
	var one string
	var all bool
	c := &cobra.Command{
		Use: "devices WHO", Short: "List the browsers that a person trusts, or forget them", Args: exactly(1),
		Long:    "List the browsers in which a person is not asked for the second factor. One that is forgotten is asked again, and the sessions that it helped to open end.",
		Example: "  latchkey user devices ada@example.org --forget-all",
	}
	c.Flags().StringVar(&one, "forget", "", "forget the browser with this `ID`")
	c.Flags().BoolVar(&all, "forget-all", false, "forget all of them")
	c.MarkFlagsMutuallyExclusive("forget", "forget-all")
	c.RunE = a.onPerson(func(ctx context.Context, b *base, cmd *cobra.Command, u idp.User) error {
		switch {
		case all:
			if err := b.people.guard().ForgetDevices(ctx, host, u.ID); err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": u.ID}, "no browser is trusted by %s any more", clean(u.Login))
		case cmd.Flags().Changed("forget"):
			err := b.people.guard().ForgetDevice(ctx, host, u.ID, one)
			if errors.Is(err, idp.ErrNotFound) {
				return fmt.Errorf("%s trusts no browser with the id %q", clean(u.Login), one)
			} else if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": u.ID, "device": one}, "the browser is not trusted by %s any more", clean(u.Login))
		}
		ds, err := b.db.Devices.Of(ctx, mfa.SubjectID(u.ID))
		if err != nil {
			return err
		}
		l := a.list(cmd, "ID", "BROWSER", "ADDRESS", "PROVEN", "SINCE", "USED", "UNTIL")
		for _, d := range ds {
			v := deviceView{d.ID, d.Proven, d.Agent, d.Address, d.Place, d.Created.UTC(), d.Used.UTC(), d.Expires.UTC()}
			if err := l.add(v, d.ID, short(d.Agent), d.Address, spelt(d.Proven), stamp(d.Created), stamp(d.Used), stamp(d.Expires)); err != nil {
				return err
			}
		}
		return l.end()
	})
	return c
}

// sessionView is a signed-in browser as the command line shows it.
type sessionView struct {
	ID      string    `json:"id"`
	Methods []string  `json:"methods"`
	Agent   string    `json:"user_agent"`
	Address string    `json:"address"`
	Device  string    `json:"device,omitempty"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
}

func userSessions(a *app) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "sessions WHO", Short: "List where a person is signed in, or end it", Args: exactly(1),
		Example: "  latchkey user sessions ada@example.org --end-all",
	}
	c.Flags().BoolVar(&all, "end-all", false, "sign them out everywhere")
	c.RunE = a.onPerson(func(ctx context.Context, b *base, cmd *cobra.Command, u idp.User) error {
		if all {
			if err := b.people.guard().EndOtherSessions(ctx, host, u.ID); err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": u.ID}, "%s is signed out everywhere", clean(u.Login))
		}
		ss, err := b.db.Sessions.Of(ctx, u.ID)
		if err != nil {
			return err
		}
		l := a.list(cmd, "ID", "BROWSER", "ADDRESS", "PROVEN", "SINCE", "SEEN", "UNTIL")
		for _, s := range ss {
			if s.Epoch != u.Epoch {
				continue // dead already
			}
			v := sessionView{string(s.ID), []string{}, s.Origin.Agent, s.Origin.Address, s.Device, s.Created.UTC(), s.Seen.UTC(), s.Expires.UTC()}
			for _, p := range s.Proofs {
				v.Methods = append(v.Methods, string(p.Kind))
			}
			if err := l.add(v, s.ID, short(s.Origin.Agent), s.Origin.Address, strings.Join(v.Methods, "+"), stamp(s.Created), stamp(s.Seen), stamp(s.Expires)); err != nil {
				return err
			}
		}
		return l.end()
	})
	return c
}

// factorView is a factor as the command line shows it; never its secret.
type factorView struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	Label   string     `json:"label,omitempty"`
	Left    *int       `json:"left,omitempty"` // of backup codes, or uses of a temporary one
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

func viewFactor(c mfa.Credential) factorView {
	some := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	v := factorView{ID: string(c.ID), Kind: string(c.Kind), Label: c.Label, Created: c.Created.UTC(), Used: some(c.Used), Expires: some(c.Expires)}
	if left, counts := map[mfa.Kind]func(mfa.Credential) int{backup.Kind: backup.Left, temporary.Kind: temporary.Left}[c.Kind]; counts {
		n := left(c)
		v.Left = &n
	}
	return v
}

func userFactors(a *app) *cobra.Command {
	var remove string
	c := &cobra.Command{
		Use: "factors WHO", Short: "List the second factors of a person, or remove one", Args: exactly(1),
		Long:    "List the second factors of a person, or remove one. With it their sessions end and no browser is trusted any more; what a policy demands is set up at the next sign-in.",
		Example: "  latchkey user factors ada@example.org",
	}
	c.Flags().StringVar(&remove, "remove", "", "remove the factor with this `ID`")
	c.RunE = a.onPerson(func(ctx context.Context, b *base, cmd *cobra.Command, u idp.User) error {
		if cmd.Flags().Changed("remove") {
			err := b.people.guard().RemoveFactor(ctx, host, u.ID, mfa.CredentialID(remove), true)
			if errors.Is(err, mfa.ErrNotHeld) {
				return fmt.Errorf("%s has no factor with the id %q that can be removed so", clean(u.Login), remove)
			} else if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": u.ID, "factor": remove}, "the factor of %s is removed; their sessions are ended", clean(u.Login))
		}
		held, err := b.proofs.engine.Held(ctx, mfa.SubjectID(u.ID))
		if err != nil {
			return err
		}
		l := a.list(cmd, "ID", "KIND", "LABEL", "LEFT", "SINCE", "USED", "UNTIL")
		for _, c := range held {
			v, left := viewFactor(c), ""
			if v.Left != nil {
				left = fmt.Sprint(*v.Left)
			}
			if err := l.add(v, c.ID, c.Kind, c.Label, left, stamp(c.Created), stamp(c.Used), stamp(c.Expires)); err != nil {
				return err
			}
		}
		return l.end()
	})
	return c
}

// short keeps a User-Agent from filling the screen.
func short(agent string) string {
	const most = 40
	if r := []rune(agent); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return agent
}

// spelt lists kinds for a column.
func spelt(ks []mfa.Kind) string {
	out := make([]string, len(ks))
	for i, k := range ks {
		out[i] = string(k)
	}
	return strings.Join(out, ", ")
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/mfa/policy"
)

// previewFlags are the flags of `policy preview`.
type previewFlags struct {
	users               []string
	client, address, at string
	only, all           bool
}

// shown is how many people a preview names unless all are asked for.
const shown = 20

func policyPreview(a *app) *cobra.Command {
	var f previewFlags
	c := &cobra.Command{
		Use: "preview [FILE]", Short: "Say who could not sign in, now and at each deadline, and why", Args: atMost(1),
		Long: "Say what the policies of a YAML file (- is standard input) would do if they were applied to those in force; without a file, what those in force do.\n" +
			"Nothing is changed. Disabled people are left out. Unless a place is named, policies for some applications or networks count as if everybody were there.\n" +
			"Each day is given in UTC; a person whose days of grace have not begun is reckoned as if they began now.",
		Example: "  latchkey policy preview policies.yaml\n  latchkey policy preview policies.yaml --user ada@example.org --client odoo --address 203.0.113.7 --at 2027-03-01",
	}
	fs := c.Flags()
	fs.StringArrayVar(&f.users, "user", nil, "only this person, `WHO` is an e-mail, login or id; can be repeated")
	fs.StringVar(&f.client, "client", "", "at the door of the application with this `ID`")
	fs.StringVar(&f.address, "address", "", "from this `IP` address")
	fs.StringVar(&f.at, "at", "", "on this `DAY`, such as 2027-03-01; default now")
	fs.BoolVar(&f.only, "only", false, "as if the policies of the file were all there are")
	fs.BoolVar(&f.all, "all", false, fmt.Sprintf("name everybody who could not sign in, not only the first %d", shown))
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		if f.only && len(args) == 0 {
			return usagef("--only needs a file")
		}
		ps, err := f.draft(ctx, b.rules, cmd, args)
		if err != nil {
			return err
		}
		o, err := f.options(ctx, b)
		if err != nil {
			return err
		}
		return f.preview(ctx, a, b.rules, cmd, ps, o)
	})
	return c
}

// draft is the file over the policies that there are.
func (f previewFlags) draft(ctx context.Context, r *ruleSide, cmd *cobra.Command, args []string) ([]policy.Policy, error) {
	there, err := r.db.Policies.All(ctx)
	if err != nil || len(args) == 0 {
		return there, err
	}
	ps, err := readPolicies(cmd, args[0])
	if err != nil {
		return nil, err
	}
	over := posture.Over(there, ps)
	if f.only {
		// Over those there are, so that days of grace that run are known.
		over = slices.DeleteFunc(over, func(p policy.Policy) bool {
			return !slices.ContainsFunc(ps, func(q policy.Policy) bool { return q.Name == p.Name })
		})
	}
	notes, err := r.doubtsOn(ctx, there, ps)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", clean(n))
	}
	return over, nil
}

func (f previewFlags) options(ctx context.Context, b *base) (o posture.Options, err error) {
	for _, who := range f.users {
		u, err := b.people.accounts.Find(ctx, who)
		if err != nil {
			return o, err
		}
		o.Users = append(o.Users, u)
	}
	if f.client != "" {
		if _, err := b.protocol.client(ctx, f.client); err != nil {
			return o, err
		}
		o.Client = idp.ClientID(f.client)
	}
	if f.address != "" {
		if o.Network, err = netip.ParseAddr(f.address); err != nil {
			return o, usagef("--address %q: must be an IP address such as 203.0.113.7", f.address)
		}
	}
	if f.at == "" {
		return o, nil
	}
	if o.At, err = time.Parse(time.DateOnly, f.at); err != nil {
		return o, usagef("--at %q: must be a day such as 2027-03-01", f.at)
	}
	if o.At.AddDate(0, 0, 1).Before(b.now()) {
		return o, usagef("--at %s has passed", f.at)
	}
	// The day that has begun is the rest of it.
	if o.At.Before(b.now()) {
		o.At = time.Time{}
	}
	return o, nil
}

// preview prints the sum, and whom to look after.
func (f previewFlags) preview(ctx context.Context, a *app, r *ruleSide, cmd *cobra.Command, ps []policy.Policy, o posture.Options) error {
	out := cmd.OutOrStdout()
	found := &findings{json: a.json, out: out, everybody: o.Users != nil, all: f.all || o.Users != nil}
	if a.json {
		fmt.Fprintln(out, `{"people":[`)
	}
	for _, u := range o.Users {
		notes, err := r.obstacles(ctx, u, o.At)
		if err != nil {
			return err
		}
		for _, n := range notes {
			fmt.Fprintln(cmd.ErrOrStderr(), "note:", clean(n))
		}
	}
	watch := a.watch(cmd)
	outlook, err := r.posture().Preview(ctx, ps, o, func(p posture.Person) error {
		watch.step()
		return found.add(p)
	})
	watch.done()
	if err != nil {
		return err
	}
	if a.json {
		fmt.Fprint(out, `],"outlook":`)
		if err := encoder(out).Encode(viewOutlook(outlook, o.At)); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "}")
		return err
	}
	printOutlook(out, outlook, o.At)
	people := found.people()
	printPeople(out, people, o.At)
	if more := found.count - len(people); more > 0 {
		fmt.Fprintf(out, "and %d more; --all names them\n", more)
	}
	return nil
}

// findings are the people whom a preview names. For machines they are written
// as they come.
type findings struct {
	json           bool
	out            io.Writer
	everybody      bool // also those who can sign in with what they have
	all            bool // more than the first
	count          int
	shut, mustDoIt []posture.Person
}

func (f *findings) add(p posture.Person) error {
	worst := worstOf(p.Standing)
	if !f.everybody && !worst.Blocked() {
		return nil
	}
	f.count++
	if f.json {
		if f.count > 1 {
			fmt.Fprint(f.out, ",")
		}
		return encoder(f.out).Encode(viewStanding(p))
	}
	list := &f.mustDoIt
	if worst == posture.ShutOut {
		list = &f.shut
	}
	if f.all || len(*list) < shown {
		*list = append(*list, p)
	}
	return nil
}

// people are those to be named. Whoever is shut out comes first: nobody should
// overlook them among the many who only have something to set up.
func (f *findings) people() []posture.Person {
	out := slices.Concat(f.shut, f.mustDoIt)
	if f.all {
		return out
	}
	return out[:min(len(out), shown)]
}

// worstOf is the worst state that is to come, or now.
func worstOf(s posture.Standing) posture.State {
	worst := s.Now.State
	for _, p := range s.Ahead {
		if slices.Index(posture.States, p.State) > slices.Index(posture.States, worst) {
			worst = p.State
		}
	}
	return worst
}

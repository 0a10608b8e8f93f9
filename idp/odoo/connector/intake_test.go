package connector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
)

// callers answers for one token.
type callers func(idp.Actor) (idp.Actor, error)

func (c callers) Still(_ context.Context, by idp.Actor) (idp.Actor, error) { return c(by) }

// intake is an import of 450 people, 200 at a time; between is called before
// each reading of some, from the second pass on.
func intake(between func(reading int)) connector.Intake {
	var file strings.Builder
	file.WriteString("ID;Login;Name;Email;Active;Share User\n")
	for n := range 450 {
		fmt.Fprintf(&file, "%d;p%d@example.org;P;p%d@example.org;TRUE;TRUE\n", n+100, n, n)
	}
	return connector.Intake{Sync: true, Open: func(_ context.Context, groups []string) (connector.Source, func(), error) {
		s, err := connector.OpenCSV(bytes.NewReader([]byte(file.String())), groups)
		return &paced{Source: s, between: between}, func() {}, err
	}}
}

type paced struct {
	connector.Source
	passes, reading int
	between         func(int)
}

func (p *paced) Begin(ctx context.Context, light bool) error {
	p.passes++
	return p.Source.Begin(ctx, light)
}

func (p *paced) Next(ctx context.Context) ([]connector.Person, error) {
	if p.passes > 1 {
		p.reading++
		p.between(p.reading)
	}
	return p.Source.Next(ctx)
}

func (t *town) staff(login string, role idp.Role) idp.User {
	t.Helper()
	return t.add(account.New{Login: login, Role: role})
}

func (t *town) count() int {
	t.Helper()
	n := 0
	all, err := t.db.Users.List(t.Context(), idp.UserQuery{Limit: 1000})
	t.must(err)
	for _, u := range all {
		if strings.HasPrefix(u.Login, "p") {
			n++
		}
	}
	return n
}

// D-04: whoever is disabled, loses their role, or whose token is taken away,
// while an import goes on, brings nobody more and changes no settings.
func TestIntakeEndsWithRights(t *testing.T) {
	for name, c := range map[string]struct {
		token bool
		end   func(t *town, u idp.User, token *bool)
	}{
		"disabled": {false, func(t *town, u idp.User, _ *bool) { t.must(t.db.Users.SetDisabled(t.Context(), u.ID, true)) }},
		"removed":  {false, func(t *town, u idp.User, _ *bool) { t.must(t.db.Users.Remove(t.Context(), u.ID)) }},
		"role lost": {false, func(t *town, u idp.User, _ *bool) {
			role := idp.Auditor
			_, err := t.accounts.Update(t.Context(), atHost, u.ID, account.Change{Role: &role})
			t.must(err)
		}},
		"token's end":  {true, func(_ *town, _ idp.User, good *bool) { *good = false }},
		"at the end":   {true, func(_ *town, _ idp.User, good *bool) { *good = false }},
		"nothing ends": {true, func(*town, idp.User, *bool) {}},
	} {
		t.Run(name, func(tt *testing.T) {
			eachStoreTown(tt, func(t *town) {
				boss, good := t.staff("boss", idp.Admin), true
				by := idp.Actor{User: boss.ID, Role: boss.Role}
				at := 2
				if name == "at the end" { // all were read, and the settings are left
					at = 4
				}
				b := intake(func(reading int) {
					if reading == at {
						c.end(t, boss, &good)
					}
				})
				if c.token {
					by.Scopes = []idp.Right{idp.EditOdoo, idp.EditPeople}
					b.Callers = callers(func(by idp.Actor) (idp.Actor, error) {
						if !good {
							return by, idp.ErrNotFound
						}
						return by, nil
					})
				}
				t.set(func(s *connector.Settings) { s.Sync = false })
				_, err := t.BringIn(t.Context(), by, "shop", b)
				if name == "nothing ends" {
					if err != nil || t.count() != 450 || !t.conn().Settings.Sync {
						t.Errorf("%v %d", err, t.count())
					}
					return
				}
				if !errors.Is(err, idp.ErrDenied) || t.conn().Settings.Sync || name != "at the end" && t.count() > 200 {
					t.Errorf("%v, %d came in, %+v", err, t.count(), t.conn().Settings)
				}
			})
		})
	}
}

// D-04: an import through the API that nobody can ask about is none.
func TestIntakeNeedsCallers(tt *testing.T) {
	eachStoreTown(tt, func(t *town) {
		boss := t.staff("boss", idp.Admin)
		by := idp.Actor{User: boss.ID, Role: idp.Admin, Scopes: []idp.Right{idp.EditOdoo, idp.EditPeople}}
		if _, err := t.BringIn(t.Context(), by, "shop", intake(func(int) {})); !errors.Is(err, idp.ErrDenied) || t.count() != 0 {
			t.Errorf("%v, %d came in", err, t.count())
		}
	})
}

// D-02: no mapping of groups puts people into those that another connection
// fills, neither by an import nor by settings.
func TestIntakeGroups(tt *testing.T) {
	eachStoreTown(tt, func(t *town) {
		boss := t.staff("boss", idp.Admin)
		by := idp.Actor{User: boss.ID, Role: idp.Admin}
		other := connector.Connection{ID: "other", Client: "odoo-other", Settings: connector.Settings{Groups: map[string]string{"x.y": "theirs"}}}
		t.must(t.db.Connections.Add(t.Context(), other))
		for _, here := range []string{"theirs", "odoo:other:portal"} {
			for _, dry := range []bool{true, false} {
				b := intake(func(int) {})
				b.DryRun, b.Groups = dry, map[string]string{"base.group_portal": here}
				if _, err := t.BringIn(t.Context(), by, "shop", b); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "other") {
					t.Errorf("%s: %v", here, err)
				}
			}
			if _, err := t.Configure(t.Context(), by, "shop", func(s *connector.Settings) { s.Groups = map[string]string{"a.b": here} }); !errors.Is(err, idp.ErrInvalid) {
				t.Errorf("settings: %s: %v", here, err)
			}
		}
		_, err := t.Configure(t.Context(), by, "shop", func(s *connector.Settings) { s.Groups = map[string]string{"a.b": "ours"} })
		t.must(err)
	})
}

// D-01, D-02, D-07: who is adopted joins groups as by hand: none that something
// else fills, whatever was asked for just now, and with lines in the log.
func TestAdoptJoinsAsByHand(t *testing.T) {
	admin := idp.Actor{User: "boss", Role: idp.Admin}
	eachArrivals(t, func(a *arrivals) {
		kept := a.conn
		accounts := accountsOf(a.db, a.clock)
		accounts.Fed = func(_ context.Context, group string) (string, bool, error) {
			return "other", group == "theirs" || connector.Feeds(kept, group), nil
		}
		var ids []idp.UserID
		for _, login := range []string{"pia@example.org", "tim@example.org"} {
			u, err := accounts.Add(a.Context(), host, account.New{Email: login})
			a.must(err)
			ids = append(ids, u.ID)
		}
		asked := kept
		asked.Settings = connector.Settings{
			Import: connector.Options{On: map[connector.Class]connector.Choice{connector.Exists: connector.Adopt}}, Groups: map[string]string{"Sales": "sales", "Theirs": "theirs"},
		}
		run := func(dry bool) connector.ImportReport {
			from, err := connector.OpenCSV(bytes.NewReader([]byte("ID;Login;Email;Active;Share User;groups\n7;pia@example.org;pia@example.org;TRUE;TRUE;Sales\n8;tim@example.org;tim@example.org;TRUE;TRUE;Theirs\n")), []string{"Sales", "Theirs"})
			a.must(err)
			i := connector.Import{Accounts: accounts, Directory: a.db.Directory, Ties: a.db.Ties, Connection: asked, Kept: &kept, DryRun: dry}
			r, err := i.Run(a.Context(), admin, from)
			a.must(err)
			return r
		}
		if r := run(true); r.Adopted != 1 || r.Out != 1 {
			a.Errorf("dry: %+v", r)
		}
		if r := run(false); r.Adopted != 1 || r.Added != 0 || r.Out != 1 {
			a.Errorf("%+v", r)
		}
		if g := a.find("pia@example.org").Groups; !slices.Equal(g, []string{"odoo:shop:portal", "sales"}) {
			a.Errorf("%v", g)
		}
		if g := a.find("tim@example.org").Groups; len(g) != 0 {
			a.Errorf("tim was put into %v", g)
		}
		var joined, adopted []string
		a.must(a.db.Log.Events(a.Context(), idp.EventQuery{What: []string{"group.join", "user.import"}}, func(e idp.Event) error {
			if e.Actor != admin.User {
				a.Errorf("%+v", e)
			}
			if e.What == "group.join" && e.User == ids[0] {
				joined = append(joined, e.Detail["group"])
			} else {
				adopted = append(adopted, e.Detail["adopted"])
			}
			return nil
		}))
		slices.Sort(joined)
		if !slices.Equal(joined, []string{"odoo:shop:portal", "sales"}) || !slices.Equal(adopted, []string{"1"}) {
			a.Errorf("%v %v", joined, adopted)
		}
	})
}

package company_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/idp/company"
	"latchkey/mfa"
)

// B-11: the main contacts of a company together send so many invitations in a
// day, at once or not.
func TestDaily(t *testing.T) {
	eachHouse(t, func(h *house) {
		ctx := h.Context()
		var wg sync.WaitGroup
		var mu sync.Mutex
		sent, locked := 0, 0
		for i := range 60 {
			wg.Go(func() {
				err := h.Invite(ctx, h.by([]string{"lead", "peer"}[i%2]), h.ours.ID, company.Invitation{Name: "N", Email: fmt.Sprintf("n%d@example.org", i)})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					sent++
				} else if l := (*mfa.LockedError)(nil); errors.As(err, &l) {
					locked++
				} else {
					h.Error(err)
				}
			})
		}
		wg.Wait()
		if sent != 50 || locked != 10 {
			h.Errorf("%d sent, %d refused", sent, locked)
		}
		// The pages hold everybody, each once.
		seen := map[string]bool{}
		for after := ""; ; {
			p, err := h.People(ctx, h.by("lead"), h.ours.ID, after)
			h.must(err)
			for _, one := range p.People {
				if seen[one.ID] {
					h.Errorf("%+v twice", one)
				}
				seen[one.ID] = true
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if len(seen) != 55 {
			h.Errorf("%d people", len(seen))
		}
		h.clock.Pass(24*time.Hour + time.Second)
		h.want("tomorrow", h.Invite(ctx, h.by("lead"), h.ours.ID, company.Invitation{Name: "N", Email: "later@example.org"}), nil)
	})
}

// What an Odoo says, and what was done by hand.
func TestFollow(t *testing.T) {
	eachHouse(t, func(h *house) {
		ctx, free := h.Context(), h.people["free"].ID
		of := func() (out []string) {
			all, err := h.Of(ctx, host, free)
			h.must(err)
			for _, c := range all {
				out = append(out, c.Name+" "+c.Source)
			}
			return out
		}
		follow := func(f company.Feed) {
			f.Connection, f.User = "shop", free
			h.must(h.Follow(ctx, host, f))
		}
		expect := func(when string, want ...string) {
			h.Helper()
			if got := of(); !slices.Equal(got, want) {
				h.Errorf("%s: %v", when, got)
			}
		}
		follow(company.Feed{Partner: 7, Name: "Acme", Lead: true})
		expect("followed", "Acme odoo:shop:7")
		by := h.by("free")
		mine, err := h.Mine(ctx, by)
		if err != nil || len(mine) != 1 || mine[0].Connection() != "shop" {
			h.Fatal(mine, err)
		}
		h.must(h.Rename(ctx, host, mine[0].ID, "Acme & Co"))
		follow(company.Feed{Partner: 7, Name: "Acme"})
		expect("renamed here", "Acme & Co odoo:shop:7")
		if mine, err = h.Mine(ctx, by); err != nil || len(mine) != 0 {
			h.Error(mine, err)
		}
		follow(company.Feed{Partner: 7, Name: "Acme Group"})
		expect("renamed there", "Acme Group odoo:shop:7")
		h.must(h.Follow(ctx, host, company.Feed{Connection: "shop2", User: free, Partner: 7, Name: "Zeta"}))
		follow(company.Feed{Partner: 8, Name: "Beta"})
		expect("moved", "Beta odoo:shop:8", "Zeta odoo:shop2:7")
		follow(company.Feed{})
		expect("out", "Zeta odoo:shop2:7")
		h.must(h.Put(ctx, host, h.ours.ID, free, true))
		follow(company.Feed{})
		all, err := h.List(ctx, host, company.Query{Text: "beta"})
		h.must(err)
		h.must(h.Put(ctx, host, all[0].ID, free, true))
		follow(company.Feed{Partner: 8, Name: "Beta"})
		follow(company.Feed{Partner: 9, Name: "Gamma"})
		expect("by hand", "Beta odoo:shop:8", "Gamma odoo:shop:9", "Ours hand", "Zeta odoo:shop2:7")
		if mine, err = h.Mine(ctx, by); err != nil || len(mine) != 2 {
			h.Error(mine, err)
		}
		h.must(h.Follow(ctx, host, company.Feed{Connection: "shop", User: h.people["employee"].ID, Partner: 9, Name: "Gamma", Lead: true}))
		if ms, err := h.Members(ctx, host, company.MemberQuery{Company: h.last("Gamma")}); err != nil || len(ms) != 1 {
			h.Errorf("an employee in a company: %v, %v", ms, err)
		}
		h.must(h.Remove(ctx, host, h.last("Gamma")))
		h.must(h.Help.Service.Remove(ctx, host, free))
		if ms, err := h.Members(ctx, host, company.MemberQuery{Company: h.ours.ID}); err != nil || len(ms) != 5 {
			h.Errorf("%d members, %v", len(ms), err)
		}
	})
}

func (h *house) last(name string) string {
	h.Helper()
	all, err := h.List(h.Context(), host, company.Query{Text: name})
	h.must(err)
	return all[0].ID
}

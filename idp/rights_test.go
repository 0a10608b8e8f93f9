package idp

import (
	"errors"
	"slices"
	"testing"
)

// D-01, D-02: who may do what, as a table that is read by people.
func TestRights(t *testing.T) {
	reads := []Right{SeePeople, SeeRules, SeeClients, SeeOdoo, SeeHouse, SeeKeys, SeeAudit}
	may := map[Role][]Right{
		"":       nil,
		HelpDesk: {SeePeople, HelpPeople, SeeRules},
		Auditor:  reads,
		Admin:    Rights(),
		Owner:    Rights(),
		"root":   nil, // no role of ours
	}
	for role, want := range may {
		a := Actor{User: "u", Role: role}
		for _, r := range Rights() {
			if got := a.May(r) == nil; got != slices.Contains(want, r) {
				t.Errorf("%s may %s: %v", role, r, got)
			}
		}
		if a.May("everything") == nil || a.May("") == nil {
			t.Errorf("%s has a right that does not exist", role)
		}
	}
	if err := (Actor{}).May(SeePeople); !errors.Is(err, ErrDenied) {
		t.Errorf("nobody: %v", err)
	}
	if err := (Actor{Role: Owner}).May(SeePeople); !errors.Is(err, ErrDenied) {
		t.Errorf("a role without a person: %v", err)
	}
	if err := (Actor{Host: true}).May(RotateKeys); err != nil {
		t.Errorf("the host: %v", err)
	}
}

// D-02: nobody touches or gives what is above them.
func TestRanks(t *testing.T) {
	order := []Role{"", HelpDesk, Auditor, Admin, Owner}
	for i, by := range order {
		a := Actor{User: "u", Role: by}
		for j, whose := range order {
			if got, want := a.MayTouch(HelpPeople, User{Role: whose}) == nil, by.Holds(HelpPeople) && j <= i; got != want {
				t.Errorf("%q helps %q: %v", by, whose, got)
			}
			if got, want := a.MayGrant(whose) == nil, by.Holds(GrantRoles) && j <= i; got != want {
				t.Errorf("%q makes somebody %q: %v", by, whose, got)
			}
		}
		if a.MayTouch(HelpPeople, User{Role: "root"}) == nil || a.MayGrant("root") == nil {
			t.Errorf("%q reaches a role that does not exist", by)
		}
	}
}

// A token has the rights that it names, and none that its owner has not.
func TestScopes(t *testing.T) {
	a := Actor{User: "u", Role: HelpDesk, Scopes: []Right{HelpPeople, EditPeople}}
	for right, want := range map[Right]bool{HelpPeople: true, SeePeople: true, EditPeople: false, SeeRules: false} {
		if got := a.May(right) == nil; got != want {
			t.Errorf("%s: %v", right, got)
		}
	}
	a.Scopes = []Right{}
	for _, r := range Rights() {
		if a.May(r) == nil {
			t.Errorf("a token without scopes may %s", r)
		}
	}
}

// D-02: what a token's scopes leave out it cannot reach by somebody else's role.
func TestScopesAreLessThanARole(t *testing.T) {
	feed := Actor{User: "client:feed", Role: Admin, Scopes: []Right{EditPeople, GrantRoles, HelpPeople}}
	for role, want := range map[Role]bool{"": true, HelpDesk: false, Auditor: false, Admin: false} {
		if got := feed.MayGrant(role) == nil; got != want {
			t.Errorf("gives %q: %v", role, got)
		}
		if got := feed.MayTouch(EditPeople, User{ID: "x", Role: role}) == nil; got != want {
			t.Errorf("changes %q: %v", role, got)
		}
		if err := feed.MayTouch(SeePeople, User{ID: "x", Role: role}); err != nil {
			t.Errorf("sees %q: %v", role, err)
		}
	}
	desk := Actor{User: "client:desk", Role: Admin, Scopes: []Right{HelpPeople, SeeRules, GrantRoles}}
	if desk.MayGrant(HelpDesk) != nil || desk.MayTouch(HelpPeople, User{ID: "x", Role: HelpDesk}) != nil {
		t.Error("a token with all rights of the help desk is less than it")
	}
}

func TestDiff(t *testing.T) {
	got := Diff(map[string]string{"a": "1", "b": "2", "c": "3"}, map[string]string{"a": "1", "b": "4", "d": "5"})
	want := map[string]string{"b.before": "2", "b.after": "4", "c.before": "3", "c.after": "", "d.before": "", "d.after": "5"}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q", k, got[k])
		}
	}
}

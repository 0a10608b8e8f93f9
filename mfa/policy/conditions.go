package policy

import (
	"slices"
	"strings"
)

// condition is one way to select people. A new one is one entry in the table,
// a field of [Whom], and a line of the file format.
type condition struct {
	key string
	// group gathers alternatives: of the conditions that are given, one of
	// each group must match. People named by group and people named by name
	// are one list; kind narrows it.
	group string
	given func(w Whom) bool
	match func(w Whom, f Facts) bool
}

var conditions = []condition{
	{
		key: "everyone", group: "everyone",
		given: func(w Whom) bool { return w.Everyone },
		match: func(Whom, Facts) bool { return true },
	},
	{
		key: "kind", group: "kind",
		given: func(w Whom) bool { return w.Kind != "" },
		match: func(w Whom, f Facts) bool { return w.Kind == f.Kind },
	},
	{
		key: "groups", group: "named",
		given: func(w Whom) bool { return len(w.Groups) > 0 },
		match: func(w Whom, f Facts) bool {
			return slices.ContainsFunc(f.Groups, func(g string) bool { return names(w.Groups, g) })
		},
	},
	{
		key: "users", group: "named",
		given: func(w Whom) bool { return len(w.Users) > 0 },
		match: func(w Whom, f Facts) bool { return slices.ContainsFunc(w.Users, f.is) },
	},
}

// Matches reports whether the person is among those selected and not exempt.
// A Whom that selects by nothing selects everybody: when in doubt, a policy
// holds.
func (w Whom) Matches(f Facts) bool {
	asked, met := map[string]bool{}, map[string]bool{}
	for _, c := range conditions {
		if !c.given(w) {
			continue
		}
		asked[c.group] = true
		if c.match(w, f) {
			met[c.group] = true
		}
	}
	return len(asked) == len(met) && !w.exempt(f)
}

func (w Whom) exempt(f Facts) bool {
	return slices.ContainsFunc(w.Except, func(e Except) bool { return f.is(e.User) && !e.Until.Over(f.Now) })
}

// is reports whether the facts are about the person called name.
func (f Facts) is(name string) bool {
	name = strings.TrimSpace(name)
	return name != "" && (name == f.User || strings.EqualFold(name, f.Email) || strings.EqualFold(name, f.Login))
}

func names(list []string, name string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, name) })
}

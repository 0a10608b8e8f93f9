package store

import "testing"

// What a span says of a statement: the verb, the table, and nothing that could be
// a value.
func TestGist(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT id, name FROM users WHERE login = ?`:                                             "SELECT users",
		`SELECT u.id, (SELECT group_concat(g) FROM memberships m WHERE m.u = u.id) FROM users u`: "SELECT users",
		`SELECT n FROM (SELECT count(*) AS n FROM events) x`:                                     "SELECT events",
		"INSERT INTO grants (id, data)\n VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = ?":  "INSERT grants",
		`WITH old AS (SELECT id FROM flows LIMIT ?) DELETE FROM flows WHERE id IN old`:           "DELETE flows",
		`UPDATE counters SET n = n + 1 WHERE id = ?`:                                             "UPDATE counters",
		`SELECT ? FROM 'ann@example.org'`:                                                        "SELECT ",
		`SELECT 1 AS n`:                                                                          "SELECT ",
		`NOTIFY x`:                                                                               " ",
	} {
		verb, table := gist(query)
		if got := verb + " " + table; got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

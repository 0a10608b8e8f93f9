package store

import (
	"cmp"
	"context"
	"strings"

	"latchkey/idp"
	"latchkey/mfa/temporary"
)

// longestSort is the most of a name that is sorted by, in bytes.
const longestSort = 128

// sortName is what a person is sorted by; never empty.
func sortName(u idp.User) string {
	name := cmp.Or(strings.Join(strings.Fields(idp.Folded(u.Name)), " "), idp.Folded(u.Login), string(u.ID))
	if len(name) > longestSort {
		name = strings.ToValidUTF8(name[:longestSort], "")
	}
	return name
}

// words makes the words by which a person is found anew.
func words(u idp.User) []stmt {
	return append([]stmt{{sql: `DELETE FROM user_words WHERE user_id = ?`, args: []any{string(u.ID)}}}, newWords(u)...)
}

// newWords is words for somebody who has none.
func newWords(u idp.User) []stmt {
	all := idp.Words(u.Name, u.Login, u.Email)
	if len(all) == 0 {
		return nil
	}
	s := stmt{sql: `INSERT INTO user_words (word, sort_name, user_id) VALUES ` + strings.TrimSuffix(strings.Repeat(`(?, ?, ?), `, len(all)), `, `) + ` ON CONFLICT DO NOTHING`}
	for _, w := range all {
		s.args = append(s.args, w, sortName(u), string(u.ID))
	}
	return []stmt{s}
}

// neverIn is the row of somebody who has not signed in yet.
func neverIn(id idp.UserID) stmt {
	return stmt{sql: `INSERT INTO signins (user_id, at) VALUES (?, 0) ON CONFLICT (user_id) DO NOTHING`, args: []any{string(id)}}
}

// Reword makes the words of people who have none yet: those who were there
// before there were words, and whoever an older version of the program added
// beside this one. It may run at any time, on every instance.
func (d *DB) Reword(ctx context.Context) error {
	for {
		all, err := rows[userRow](ctx, d.engine, `SELECT `+person+` FROM users u WHERE u.sort_name = '' ORDER BY u.id LIMIT ?`, portion)
		if err != nil {
			return err
		}
		var stmts []stmt
		for _, r := range all {
			u, err := r.user(d.now())
			if err != nil {
				return err
			}
			stmts = append(append(stmts, words(u)...), neverIn(u.ID),
				stmt{sql: `UPDATE users SET sort_name = ? WHERE id = ? AND sort_name = ''`, args: []any{sortName(u), string(u.ID)}})
		}
		if err := d.send(ctx, stmts); err != nil {
			return err
		}
		if len(all) < portion {
			return nil
		}
	}
}

// Reprotect notes who has a second factor that lasts, where an older version
// beside this one did not.
func (d *DB) Reprotect(ctx context.Context) error {
	return d.write(ctx, stmt{
		sql: `UPDATE users SET protected = TRUE WHERE NOT protected
			AND EXISTS (SELECT 1 FROM credentials c WHERE c.subject = users.id AND c.kind <> ?)`,
		args: []any{string(temporary.Kind)},
	}, stmt{
		sql: `UPDATE users SET protected = FALSE WHERE protected
			AND NOT EXISTS (SELECT 1 FROM credentials c WHERE c.subject = users.id AND c.kind <> ?)`,
		args: []any{string(temporary.Kind)},
	})
}

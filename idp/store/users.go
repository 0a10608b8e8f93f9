package store

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// users stores people.
type users struct{ d *DB }

// unitSeparator parts the names in an aggregated column; control characters
// are in no name.
const unitSeparator = "\x1f"

// person selects everything about the user u in one go: decisions ask for
// groups and factors every time.
const person = `u.id, u.login, u.email, u.email_verified, u.name, u.phone, u.phone_verified, u.kind, u.role, u.locale,
	u.profile, u.password, u.disabled, u.epoch, u.created, u.updated, u.method, u.trust, u.mailed, u.round, u.passkey_offer_after, u.registered,
	(SELECT string_agg(m.group_name, '` + unitSeparator + `') FROM memberships m WHERE m.user_id = u.id),
	(SELECT string_agg(c.kind || ':' || c.expires, '` + unitSeparator + `') FROM credentials c WHERE c.subject = u.id),
	(SELECT string_agg(g.started || ':' || g.policy, '` + unitSeparator + `') FROM graces g WHERE g.user_id = u.id)`

// userRow is what person selects.
type userRow struct {
	ID, Login, Email        string
	EmailVerified           bool
	Name, Phone             string
	PhoneVerified           bool
	Kind, Role, Locale      string
	Profile, Password       string
	Disabled                bool
	Epoch, Created, Updated int64
	Method                  string
	Trust, Round, Offer     int64
	Registered              int64
	Mailed                  bool
	InGroups, Holds, Graces string
}

// columns are those of person; all are NULL on the empty side of a join.
func (r *userRow) columns() []any {
	return []any{
		opt[string]{&r.ID}, opt[string]{&r.Login}, opt[string]{&r.Email}, opt[bool]{&r.EmailVerified}, opt[string]{&r.Name},
		opt[string]{&r.Phone}, opt[bool]{&r.PhoneVerified}, opt[string]{&r.Kind}, opt[string]{&r.Role}, opt[string]{&r.Locale},
		opt[string]{&r.Profile}, opt[string]{&r.Password}, opt[bool]{&r.Disabled}, opt[int64]{&r.Epoch}, opt[int64]{&r.Created},
		opt[int64]{&r.Updated}, opt[string]{&r.Method}, opt[int64]{&r.Trust}, opt[bool]{&r.Mailed}, opt[int64]{&r.Round}, opt[int64]{&r.Offer}, opt[int64]{&r.Registered}, opt[string]{&r.InGroups}, opt[string]{&r.Holds},
		opt[string]{&r.Graces},
	}
}

// user is the zero user when the row is the empty side of a join.
func (r userRow) user(now time.Time) (u idp.User, err error) {
	if r.ID == "" {
		return u, nil
	}
	u = idp.User{
		ID: idp.UserID(r.ID), Login: r.Login, Email: r.Email, EmailVerified: r.EmailVerified, Name: r.Name,
		Phone: r.Phone, PhoneVerified: r.PhoneVerified, Kind: idp.Kind(r.Kind), Role: idp.Role(r.Role),
		Locale: r.Locale, Groups: split[string](r.InGroups), Password: r.Password, Disabled: r.Disabled,
		Epoch: r.Epoch, Created: at(r.Created), Updated: at(r.Updated), Factors: holds(r.Holds, now), Method: mfa.Kind(r.Method), Trust: r.Trust, Mailed: r.Mailed, Round: r.Round, PasskeyOffer: at(r.Offer), Registered: at(r.Registered),
		Graces: graces(r.Graces),
	}
	return u, json.Unmarshal([]byte(r.Profile), &u.Profile)
}

// holds reads the kinds that have not expired.
func holds(joined string, now time.Time) (out []mfa.Kind) {
	for _, h := range split[string](joined) {
		kind, expires, _ := strings.Cut(h, ":")
		if end, err := strconv.ParseInt(expires, 10, 64); err == nil && (end == 0 || now.Before(at(end))) {
			out = append(out, mfa.Kind(kind))
		}
	}
	return slices.Compact(out)
}

func graces(joined string) map[string]time.Time {
	var out map[string]time.Time
	for _, g := range split[string](joined) {
		started, policy, _ := strings.Cut(g, ":")
		if t, err := strconv.ParseInt(started, 10, 64); err == nil {
			if out == nil {
				out = map[string]time.Time{}
			}
			out[policy] = at(t)
		}
	}
	return out
}

// split sorts an aggregated column and drops doubles.
func split[T ~string](joined string) (out []T) {
	for name := range strings.SplitSeq(joined, unitSeparator) {
		if name != "" {
			out = append(out, T(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s users) find(ctx context.Context, from string, arg any) (idp.User, error) {
	r, err := one[userRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+person+` FROM `+from, arg)
	if err != nil {
		return idp.User{}, err
	}
	return r.user(s.d.now())
}

func (s users) ByID(ctx context.Context, id idp.UserID) (idp.User, error) {
	return s.find(ctx, `users u WHERE u.id = ?`, string(id))
}

func (s users) ByIdentifier(ctx context.Context, canonical string) (idp.User, error) {
	return s.find(ctx, `identifiers i JOIN users u ON u.id = i.user_id WHERE i.canonical = ?`, canonical)
}

func (s users) Add(ctx context.Context, u idp.User, ids []idp.Identifier) error {
	profile, err := json.Marshal(u.Profile)
	if err != nil {
		return err
	}
	insert := stmt{
		sql: `INSERT INTO users (id, login, email, email_verified, name, phone, phone_verified, kind, role, locale,
			profile, password, disabled, epoch, created, updated, sort_name)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		args: []any{string(u.ID), u.Login, u.Email, u.EmailVerified, u.Name, u.Phone, u.PhoneVerified, string(u.Kind),
			string(u.Role), u.Locale, string(profile), u.Password, u.Disabled, u.Epoch, ms(u.Created), ms(u.Updated), sortName(u)},
		taken: idp.ErrTaken,
	}
	return s.d.write(ctx, slices.Concat([]stmt{insert}, claim(u.ID, ids), newWords(u), []stmt{neverIn(u.ID)})...)
}

// Update leaves password, epoch and disabled alone: these change only through
// their own methods, so that somebody who edits a name cannot bring back what
// was revoked meanwhile. A role or proof that was taken away since the person was
// read is the same: the guard is what was read.
func (s users) Update(ctx context.Context, was, u idp.User, ids []idp.Identifier) error {
	profile, err := json.Marshal(u.Profile)
	if err != nil {
		return err
	}
	stmts := []stmt{{
		sql: `UPDATE users SET login = ?, email = ?, email_verified = ?, name = ?, phone = ?, phone_verified = ?, kind = ?,
			role = ?, locale = ?, profile = ?, updated = ?, sort_name = ?
			WHERE id = ? AND role = ? AND login = ? AND email = ? AND email_verified = ? AND phone = ? AND phone_verified = ?`,
		args: []any{u.Login, u.Email, u.EmailVerified, u.Name, u.Phone, u.PhoneVerified, string(u.Kind),
			string(u.Role), u.Locale, string(profile), ms(u.Updated), sortName(u),
			string(was.ID), string(was.Role), was.Login, was.Email, was.EmailVerified, was.Phone, was.PhoneVerified},
		none: idp.ErrSpent,
	}}
	canonical, skeletons := names(ids)
	stmts = append(stmts,
		release("identifiers", "canonical", u.ID, canonical),
		release("looks", "skeleton", u.ID, skeletons))
	return s.d.write(ctx, slices.Concat(stmts, claim(u.ID, ids), words(u))...)
}

func (s users) SetProfile(ctx context.Context, u idp.User) error {
	profile, err := json.Marshal(u.Profile)
	if err != nil {
		return err
	}
	return s.d.write(ctx, append([]stmt{{
		sql:  `UPDATE users SET name = ?, locale = ?, profile = ?, updated = ?, sort_name = ? WHERE id = ?`,
		args: []any{u.Name, u.Locale, string(profile), ms(u.Updated), sortName(u), string(u.ID)},
		none: idp.ErrNotFound,
	}}, words(u)...)...)
}

func (s users) SetEmail(ctx context.Context, was, is idp.User, ids []idp.Identifier) error {
	canonical, skeletons := names(ids)
	return s.d.write(ctx, slices.Concat([]stmt{{
		sql:  `UPDATE users SET login = ?, email = ?, email_verified = TRUE, updated = ?, sort_name = ? WHERE id = ? AND login = ? AND email = ?`,
		args: []any{is.Login, is.Email, ms(is.Updated), sortName(is), string(was.ID), was.Login, was.Email},
		none: idp.ErrSpent,
	}, release("identifiers", "canonical", was.ID, canonical), release("looks", "skeleton", was.ID, skeletons)}, claim(was.ID, ids), words(is))...)
}

func (s users) Free(ctx context.Context, id idp.UserID, ids []idp.Identifier) error {
	canonical, skeletons := names(ids)
	if len(ids) == 0 {
		return nil
	}
	type row struct{ N int }
	found, err := rows[row](ctx, s.d.engine, `SELECT (SELECT COUNT(*) FROM identifiers WHERE user_id <> ? AND canonical IN (`+marks(len(canonical))+`))
		+ (SELECT COUNT(*) FROM looks WHERE user_id <> ? AND skeleton IN (`+marks(len(skeletons))+`)) AS n`,
		slices.Concat([]any{string(id)}, anys(canonical), []any{string(id)}, anys(skeletons))...)
	if err == nil && found[0].N > 0 {
		err = idp.ErrTaken
	}
	return err
}

// names lists both forms, sorted, so that two writers that want the same names
// meet at the first instead of each holding one.
func names(ids []idp.Identifier) (canonical, skeletons []string) {
	for _, i := range ids {
		canonical = append(canonical, i.Canonical)
		skeletons = append(skeletons, i.Skeleton)
	}
	slices.Sort(canonical)
	slices.Sort(skeletons)
	return slices.Compact(canonical), slices.Compact(skeletons)
}

// claim takes names for a person. A name that is theirs already is fine; one
// that belongs to somebody else changes no row, and that is the guard.
func claim(id idp.UserID, ids []idp.Identifier) (out []stmt) {
	take := func(table, column, name string) {
		out = append(out, stmt{
			sql: `INSERT INTO ` + table + ` (` + column + `, user_id) VALUES (?, ?) ON CONFLICT (` + column + `)
				DO UPDATE SET user_id = excluded.user_id WHERE ` + table + `.user_id = excluded.user_id`,
			args: []any{name, string(id)},
			none: idp.ErrTaken,
		})
	}
	canonical, skeletons := names(ids)
	for _, n := range canonical {
		take("identifiers", "canonical", n)
	}
	for _, n := range skeletons {
		take("looks", "skeleton", n)
	}
	return out
}

// release gives up the names that are not among those to keep.
func release(table, column string, id idp.UserID, keep []string) stmt {
	s := stmt{sql: `DELETE FROM ` + table + ` WHERE user_id = ?`, args: []any{string(id)}}
	if len(keep) > 0 {
		s.sql += ` AND ` + column + ` NOT IN (` + marks(len(keep)) + `)`
		s.args = append(s.args, anys(keep)...)
	}
	return s
}

func (s users) SetPassword(ctx context.Context, id idp.UserID, old, hash string) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE users SET password = ? WHERE id = ? AND password = ?`,
		args: []any{hash, string(id), old},
		none: idp.ErrSpent,
	})
}

func (s users) VoidPassword(ctx context.Context, id idp.UserID) error {
	return s.d.write(ctx, stmt{sql: `UPDATE users SET password = '' WHERE id = ?`, args: []any{string(id)}, none: idp.ErrNotFound})
}

func (s users) SetDisabled(ctx context.Context, id idp.UserID, disabled bool) error {
	raise := 0
	if disabled {
		raise = 1
	}
	return s.d.write(ctx, append(ended(id), stmt{
		sql:  `UPDATE users SET disabled = ?, epoch = epoch + ? WHERE id = ?`,
		args: []any{disabled, raise, string(id)},
		none: idp.ErrNotFound,
	})...)
}

// ended takes away what an old epoch leaves behind: sign-ins under way, trusted
// devices, links and their mails. The epoch alone makes the last two worthless.
func ended(id idp.UserID) []stmt {
	return []stmt{endFlows(id), endDevices(mfa.SubjectID(id)), endLinks(id), withdraw(id)}
}

// endFlows takes a person's sign-ins under way away. Whatever these write ends
// their row in the same transaction, so none that began before this commits
// after it, however long it has been at work.
func endFlows(id idp.UserID) stmt {
	return stmt{sql: `DELETE FROM flows WHERE user_id = ?`, args: []any{string(id)}}
}

func (s users) SetMethod(ctx context.Context, id idp.UserID, k mfa.Kind) error {
	return s.d.write(ctx, stmt{sql: `UPDATE users SET method = ? WHERE id = ?`, args: []any{string(k), string(id)}})
}

func (s users) SetPhone(ctx context.Context, id idp.UserID, phone string) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE users SET phone = ?, phone_verified = TRUE WHERE id = ?`, args: []any{phone, string(id)}, none: idp.ErrNotFound,
	})
}

func (s users) RaiseTrust(ctx context.Context, id idp.UserID, was int64) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE users SET trust = trust + 1 WHERE id = ? AND trust = ?`,
		args: []any{string(id), was},
		none: idp.ErrSpent,
	})
}

func (s users) ForgetPhone(ctx context.Context, id idp.UserID, phone string) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE users SET phone_verified = FALSE WHERE id = ? AND (phone = ? OR ? = '')`,
		args: []any{string(id), phone, phone},
	})
}

func (s users) SetMailed(ctx context.Context, id idp.UserID, mailed bool) error {
	return s.d.write(ctx, stmt{sql: `UPDATE users SET mailed = ? WHERE id = ?`, args: []any{mailed, string(id)}})
}

func (s users) BeginGrace(ctx context.Context, id idp.UserID, policies []string, now time.Time) error {
	var stmts []stmt
	for _, p := range policies {
		stmts = append(stmts, stmt{
			sql:  `INSERT INTO graces (user_id, policy, started) VALUES (?, ?, ?) ON CONFLICT (user_id, policy) DO NOTHING`,
			args: []any{string(id), p, ms(now)},
		})
	}
	if len(stmts) == 0 {
		return nil
	}
	return s.d.write(ctx, stmts...)
}

func (s users) RaiseEpoch(ctx context.Context, id idp.UserID) error {
	return s.d.write(ctx, append(ended(id), stmt{
		sql:  `UPDATE users SET epoch = epoch + 1 WHERE id = ?`,
		args: []any{string(id)},
		none: idp.ErrNotFound,
	})...)
}

// Remove forgets a person and everything that is theirs but the log.
func (s users) Remove(ctx context.Context, id idp.UserID) error {
	of := func(table, column string) stmt {
		return stmt{sql: `DELETE FROM ` + table + ` WHERE ` + column + ` = ?`, args: []any{string(id)}}
	}
	last := of("users", "id") // takes names, memberships, sessions and consents along
	last.none = idp.ErrNotFound
	grants := of("grants", "user_id")
	grants.sql += ` AND user_id <> ''`
	stmts := append([]stmt{connections(s).tell(id), of("credentials", "subject"), of("challenges", "subject"), of("devices", "subject"), of("flows", "user_id"), grants, anonymousTies(id), last}, logins(s).end(id, "")...)
	return s.d.write(ctx, stmts...)
}

func (s users) List(ctx context.Context, q idp.UserQuery) ([]idp.User, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	query, args := `SELECT `+person+` FROM users u WHERE u.id > ?`, []any{string(q.After)}
	if q.Kind != "" {
		query, args = query+` AND u.kind = ?`, append(args, string(q.Kind))
	}
	if q.Group != "" {
		query += ` AND EXISTS (SELECT 1 FROM memberships g WHERE g.user_id = u.id AND g.group_name = ?)`
		args = append(args, q.Group)
	}
	if q.Text != "" {
		// SQLite's lower knows ASCII only, so the text is tried as typed, too.
		query += ` AND (lower(u.login) LIKE ? ESCAPE '!' OR lower(u.name) LIKE ? ESCAPE '!' OR u.email LIKE ? ESCAPE '!'
			OR u.name LIKE ? ESCAPE '!')`
		low, typed := pattern(strings.ToLower(q.Text)), pattern(q.Text)
		args = append(args, low, low, low, typed)
	}
	all, err := rows[userRow](ctx, s.d.engine, query+` ORDER BY u.id LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	out := make([]idp.User, len(all))
	for i, r := range all {
		if out[i], err = r.user(s.d.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pattern matches a text anywhere, each of its characters as itself.
func pattern(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}

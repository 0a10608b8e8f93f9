package store

import (
	"context"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/company"
)

// companies keeps customer companies and who is in them.
type companies struct{ d *DB }

type companyRow struct {
	ID, Name, Source string
	Created          int64
}

const companyColumns = `c.id, c.name, c.source, c.created`

func (r *companyRow) columns() []any { return []any{&r.ID, &r.Name, &r.Source, &r.Created} }

func (r companyRow) company() company.Company {
	return company.Company{ID: r.ID, Name: r.Name, Source: r.Source, Created: at(r.Created)}
}

func companiesOf(all []companyRow, err error) ([]company.Company, error) {
	out := make([]company.Company, len(all))
	for i, r := range all {
		out[i] = r.company()
	}
	return out, err
}

// sortCompany is what a company is sorted by.
func sortCompany(id, name string) string { return sortName(idp.User{ID: idp.UserID(id), Name: name}) }

func (s companies) Add(ctx context.Context, c company.Company) error {
	return s.d.write(ctx, stmt{
		sql:  `INSERT INTO companies (id, name, sort_name, source, created) VALUES (?, ?, ?, ?, ?)`,
		args: []any{c.ID, c.Name, sortCompany(c.ID, c.Name), c.Source, ms(c.Created)}, taken: idp.ErrTaken,
	})
}

func (s companies) Rename(ctx context.Context, id, name string) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE companies SET name = ?, sort_name = ? WHERE id = ?`, args: []any{name, sortCompany(id, name), id}, none: idp.ErrNotFound,
	})
}

func (s companies) Remove(ctx context.Context, id string) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM companies WHERE id = ?`, args: []any{id}, none: idp.ErrNotFound})
}

func (s companies) Get(ctx context.Context, id string) (company.Company, error) {
	r, err := one[companyRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+companyColumns+` FROM companies c WHERE c.id = ?`, id)
	return r.company(), err
}

type listedRow struct {
	companyRow
	People, Leads int
}

func (r *listedRow) columns() []any { return append(r.companyRow.columns(), &r.People, &r.Leads) }

func (s companies) List(ctx context.Context, q company.Query) ([]company.Listed, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	c := condition{}
	if q.Text != "" {
		c.and(`c.sort_name LIKE ? ESCAPE '!'`, pattern(idp.Folded(q.Text)))
	}
	if q.After != "" {
		c.and(`(c.sort_name, c.id) > (SELECT a.sort_name, a.id FROM companies a WHERE a.id = ?)`, q.After)
	}
	all, err := rows[listedRow](ctx, s.d.engine, `SELECT `+companyColumns+`,
		(SELECT COUNT(*) FROM company_members m WHERE m.company = c.id AND m.user_id IS NOT NULL),
		(SELECT COUNT(*) FROM company_members m WHERE m.company = c.id AND m.lead)
		FROM companies c`+c.where()+` ORDER BY c.sort_name, c.id LIMIT ?`, append(c.args, q.Limit)...)
	out := make([]company.Listed, len(all))
	for i, r := range all {
		out[i] = company.Listed{Company: r.company(), People: r.People, Leads: r.Leads}
	}
	return out, err
}

// leading is SQL: the membership l makes its person a main contact, now.
const leading = `l.lead AND EXISTS (SELECT 1 FROM users lu WHERE lu.id = l.user_id AND lu.kind = 'portal' AND lu.role = '' AND NOT lu.disabled)`

func (s companies) Led(ctx context.Context, id idp.UserID) ([]company.Company, error) {
	return companiesOf(rows[companyRow](ctx, s.d.engine, `SELECT `+companyColumns+` FROM company_members l JOIN companies c ON c.id = l.company
		WHERE l.user_id = ? AND `+leading+` ORDER BY c.sort_name, c.id`, string(id)))
}

func (s companies) Of(ctx context.Context, id idp.UserID) ([]company.Company, error) {
	return companiesOf(rows[companyRow](ctx, s.d.engine, `SELECT `+companyColumns+` FROM company_members m JOIN companies c ON c.id = m.company
		WHERE m.user_id = ? ORDER BY c.sort_name, c.id`, string(id)))
}

type memberRow struct {
	ID, Company, Name, Email string
	Lead, Hand, Factor       bool
	Apart                    bool
	Off, Invited, SignedIn   int64
	user                     userRow
}

func (r *memberRow) columns() []any {
	return append([]any{
		&r.ID, &r.Company, &r.Name, &r.Email, &r.Lead, &r.Hand, opt[bool]{&r.Factor}, &r.Apart, &r.Off, &r.Invited, opt[int64]{&r.SignedIn},
	}, r.user.columns()...)
}

// apart is SQL: the person of a membership m leads a company, or belongs to one
// that somebody (the argument) does not lead.
const apart = `EXISTS (SELECT 1 FROM company_members o WHERE o.user_id = m.user_id AND (o.lead
	OR NOT EXISTS (SELECT 1 FROM company_members l WHERE l.company = o.company AND l.user_id = ? AND l.lead)))`

// memberSQL takes the viewer as its first argument.
const memberSQL = `SELECT m.id, m.company, m.name, m.email, m.lead, m.hand, u.protected, ` + apart + `, m.off, COALESCE(u.invited, m.invited), g.at, ` + person + `
	FROM company_members m LEFT JOIN users u ON u.id = m.user_id LEFT JOIN signins g ON g.user_id = m.user_id`

const memberKey = `COALESCE(u.sort_name, m.sort_name), m.id`

func (r memberRow) member(now time.Time) (m company.Member, err error) {
	m = company.Member{
		ID: r.ID, Company: r.Company, Name: r.Name, Email: r.Email, Lead: r.Lead, Hand: r.Hand, Factor: r.Factor, Apart: r.Apart, Off: r.Off,
		Invited: at(r.Invited), SignedIn: at(r.SignedIn),
	}
	m.User, err = r.user.user(now)
	return m, err
}

func (s companies) Members(ctx context.Context, q company.MemberQuery) ([]company.Member, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	c := condition{args: []any{string(q.Viewer)}}
	c.and(`m.company = ?`, q.Company)
	if q.Plain {
		c.and(`(u.id IS NULL OR u.kind = 'portal' AND u.role = '')`)
	}
	if q.After != "" {
		c.and(`(`+memberKey+`) > (SELECT COALESCE(au.sort_name, a.sort_name), a.id FROM company_members a LEFT JOIN users au ON au.id = a.user_id WHERE a.id = ?)`, q.After)
	}
	all, err := rows[memberRow](ctx, s.d.engine, memberSQL+c.where()+` ORDER BY `+memberKey+` LIMIT ?`, append(c.args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	out := make([]company.Member, len(all))
	for i, r := range all {
		if out[i], err = r.member(s.d.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s companies) Member(ctx context.Context, in, id string, viewer idp.UserID) (company.Member, error) {
	r, err := one[memberRow](ctx, s.d.engine, idp.ErrNotFound, memberSQL+` WHERE m.company = ? AND m.id = ?`, string(viewer), in, id)
	if err != nil {
		return company.Member{}, err
	}
	return r.member(s.d.now())
}

func (s companies) MemberOf(ctx context.Context, in string, id idp.UserID) (company.Member, error) {
	r, err := one[memberRow](ctx, s.d.engine, idp.ErrNotFound, memberSQL+` WHERE m.company = ? AND m.user_id = ?`, "", in, string(id))
	if err != nil {
		return company.Member{}, err
	}
	return r.member(s.d.now())
}

// forgetAsked takes the invitation of an address away that led nowhere: its
// owner belongs to the company now.
func forgetAsked(in, email string) stmt {
	return stmt{sql: `DELETE FROM company_members WHERE company = ? AND email = ? AND email <> ''`, args: []any{in, email}}
}

func (s companies) Put(ctx context.Context, m company.Member) error {
	return s.d.write(ctx, forgetAsked(m.Company, m.Email), stmt{
		sql: `INSERT INTO company_members (id, company, user_id, lead, hand, added)
			SELECT CAST(? AS TEXT), CAST(? AS TEXT), u.id, CAST(? AS BOOLEAN), CAST(? AS BOOLEAN), CAST(? AS BIGINT)
			FROM users u WHERE u.id = ? AND u.kind = 'portal' AND u.role = ''
			ON CONFLICT (company, user_id) WHERE user_id IS NOT NULL DO UPDATE SET lead = excluded.lead, hand = excluded.hand`,
		args: []any{m.ID, m.Company, m.Lead, m.Hand, ms(s.d.now()), string(m.User.ID)}, none: idp.ErrInvalid,
	})
}

func (s companies) Ask(ctx context.Context, m company.Member) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO company_members (id, company, lead, hand, name, sort_name, email, invited, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (company, email) WHERE email <> '' DO UPDATE SET invited = excluded.invited WHERE company_members.off = 0`,
		args: []any{m.ID, m.Company, false, m.Hand, m.Name, sortCompany(m.ID, m.Name), m.Email, ms(m.Invited), ms(s.d.now())},
	})
}

func (s companies) Take(ctx context.Context, in, id string) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM company_members WHERE company = ? AND id = ?`, args: []any{in, id}, none: idp.ErrNotFound})
}

// Leads takes the row that makes somebody a main contact: who takes it away at
// the same moment waits, or was first.
func (s companies) Leads(ctx context.Context, in string, lead idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE company_members SET added = added WHERE id = (SELECT l.id FROM company_members l WHERE l.company = ? AND l.user_id = ? AND ` + leading + `) AND lead`,
		args: []any{in, string(lead)}, none: idp.ErrNotFound,
	})
}

// Within takes the person's row, where there is one: a role that they get at the
// same moment waits, or was first.
func (s companies) Within(ctx context.Context, in, id string, lead idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE users SET updated = updated WHERE kind = 'portal' AND role = ''
			AND id = (SELECT m.user_id FROM company_members m WHERE m.company = ? AND m.id = ?)`, args: []any{in, id},
	}, stmt{
		sql: `UPDATE company_members SET added = added WHERE id = (SELECT m.id FROM company_members m LEFT JOIN users u ON u.id = m.user_id
			WHERE m.company = ? AND m.id = ? AND NOT m.lead AND (u.id IS NULL OR u.kind = 'portal' AND u.role = '') AND NOT ` + apart + `)`,
		args: []any{in, id, string(lead)}, none: idp.ErrNotFound,
	})
}

func (s companies) Hold(ctx context.Context, id string, off bool) error {
	value := `0`
	if off {
		value = `COALESCE((SELECT u.epoch FROM users u WHERE u.id = company_members.user_id), 1)`
	}
	return s.d.write(ctx, stmt{sql: `UPDATE company_members SET off = ` + value + ` WHERE id = ?`, args: []any{id}, none: idp.ErrNotFound})
}

func (s companies) Held(ctx context.Context, id string) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE company_members SET added = added WHERE id = ? AND off <> 0
			AND off = (SELECT u.epoch FROM users u WHERE u.id = company_members.user_id AND u.disabled)`,
		args: []any{id}, none: idp.ErrNotFound,
	})
}

// Follow leaves what was done by hand. A name that was given here stays until the
// Odoo tells another one.
func (s companies) Follow(ctx context.Context, f company.Feed, id string, now time.Time) error {
	source, prefix := f.Source(), f.Prefix()
	gone := stmt{
		sql: `DELETE FROM company_members WHERE user_id = ? AND NOT hand
			AND company IN (SELECT c.id FROM companies c WHERE substr(c.source, 1, ?) = ? AND (c.source <> ? OR CAST(? AS BIGINT) = 0))`,
		args: []any{string(f.User), len(prefix), prefix, source, f.Partner},
	}
	if f.Partner == 0 {
		return s.d.write(ctx, gone)
	}
	return s.d.write(ctx, gone, stmt{
		sql: `INSERT INTO companies (id, name, sort_name, source, heard, created) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (source) WHERE source <> 'hand' DO UPDATE SET
				name = CASE WHEN companies.heard = excluded.heard THEN companies.name ELSE excluded.name END,
				sort_name = CASE WHEN companies.heard = excluded.heard THEN companies.sort_name ELSE excluded.sort_name END, heard = excluded.heard`,
		args: []any{id, f.Name, sortCompany(id, f.Name), source, f.Name, ms(now)},
	}, stmt{
		sql: `DELETE FROM company_members WHERE email <> '' AND company = (SELECT c.id FROM companies c WHERE c.source = ?)
			AND email = (SELECT u.email FROM users u WHERE u.id = ?)`,
		args: []any{source, string(f.User)},
	}, stmt{
		sql: `INSERT INTO company_members (id, company, user_id, lead, hand, added)
			SELECT CAST(? AS TEXT), c.id, u.id, CAST(? AS BOOLEAN), CAST(? AS BOOLEAN), CAST(? AS BIGINT)
			FROM companies c, users u WHERE c.source = ? AND u.id = ? AND u.kind = 'portal' AND u.role = ''
			ON CONFLICT (company, user_id) WHERE user_id IS NOT NULL DO UPDATE SET lead = excluded.lead WHERE NOT company_members.hand`,
		args: []any{strings.ToLower(id) + "m", f.Lead, false, ms(now), source, string(f.User)},
	})
}

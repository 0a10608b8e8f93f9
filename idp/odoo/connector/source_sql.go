package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp"
)

// Bounds of reading another program's database.
const (
	sqlPage    = 500 // users in one round trip
	sqlTimeout = time.Minute
	stepLimit  = sqlTimeout + 30*time.Second // of what may be several queries
	dialLimit  = 10 * time.Second
	devicesMax = 10 // of one user, the newest
)

// SQL reads from Odoo's database. The connection can change nothing: the
// server itself refuses, whatever is asked of it.
type SQL struct {
	conn    *pgx.Conn
	has     map[string]bool // "table.column"
	query   string
	targets targets
	light   bool
	after   int64
	read    int
	count   int
	open    bool
	limit   time.Duration // of one step, measured here: the server may not keep to its own
}

// targets are the groups that are looked for, and which groups lead to them.
type targets struct {
	internal, portal []int64
	named            map[string][]int64 // by what was asked for
	all              []int64
}

// OpenSQL connects to the database of an Odoo of version 16 to 19. groups name
// those that people's membership in is wanted, by external id such as
// sales_team.group_sale_manager or by name. What is wrong with these, or with
// the database, wraps idp.ErrInvalid. The DSN holds a password: no error shows
// it. It says everything itself; see strangersDSN.
func OpenSQL(ctx context.Context, dsn string, groups []string) (*SQL, error) {
	cfg, err := strangersDSN(strings.TrimSpace(dsn))
	if err != nil {
		return nil, err
	}
	return openSQL(ctx, cfg, groups)
}

// OpenSQLAtHost is OpenSQL for the host's command line, whose DSN may use all
// that libpq's can: environment, service and password files, certificates,
// sockets. They are that operator's own. Over a network it is encrypted, unless
// sslmode says otherwise.
func OpenSQLAtHost(ctx context.Context, dsn string, groups []string) (*SQL, error) {
	cfg, err := hostDSN(strings.TrimSpace(dsn))
	if err != nil {
		return nil, err
	}
	return openSQL(ctx, cfg, groups)
}

func openSQL(ctx context.Context, cfg *pgx.ConnConfig, groups []string) (*SQL, error) {
	ctx, stop := context.WithTimeout(ctx, stepLimit)
	defer stop()
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	cfg.RuntimeParams["statement_timeout"] = fmt.Sprint(sqlTimeout.Milliseconds())
	cfg.RuntimeParams["application_name"] = "latchkey"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, unread(err, cfg.Host)
	}
	s := &SQL{conn: conn, limit: stepLimit}
	if err := s.prepare(ctx, groups); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// Close ends the connection.
func (s *SQL) Close(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, dialLimit)
	defer stop()
	return s.conn.Close(ctx)
}

// OpenSignUp reports whether strangers can make themselves portal users.
func (s *SQL) OpenSignUp() bool { return s.open }

// Part is how much has been read, 0 to 1.
func (s *SQL) Part() float64 {
	if s.count == 0 {
		return 0
	}
	return min(1, float64(s.read)/float64(s.count))
}

func (s *SQL) prepare(ctx context.Context, groups []string) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.aim(ctx, groups); err != nil {
		return err
	}
	s.query = s.build()
	var err error
	s.open, err = s.signUpIsOpen(ctx)
	return err
}

// look finds out which columns there are: versions and modules differ.
func (s *SQL) look(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = ANY (current_schemas(false)) AND table_name IN
		('res_users', 'res_partner', 'res_company', 'res_country', 'res_groups', 'res_groups_users_rel', 'res_groups_implied_rel', 'ir_model_data',
			'ir_config_parameter', 'website', 'res_device_log')`)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	s.has = map[string]bool{}
	for _, name := range all {
		s.has[name] = true
	}
	for _, needed := range []string{
		"res_users.login", "res_users.partner_id", "res_users.active", "res_users.share", "res_users.password", "res_users.write_date", "res_partner.name",
		"res_partner.email", "res_groups_users_rel.gid", "res_groups_implied_rel.hid", "ir_model_data.res_id",
	} {
		if !s.has[needed] {
			return refuse("refused.schema", idp.ErrInvalid, needed)
		}
	}
	return nil
}

// aim finds the groups. In Odoo 19 people are only in the groups that somebody
// put them into, and those imply others; before, they are in all of them.
func (s *SQL) aim(ctx context.Context, groups []string) error {
	implies, err := s.implied(ctx)
	if err != nil {
		return err
	}
	t := targets{named: map[string][]int64{}}
	for _, name := range groups {
		id, err := s.group(ctx, name)
		if err != nil {
			return err
		}
		t.named[name] = leading(implies, id)
		t.all = append(t.all, t.named[name]...)
	}
	for xmlid, to := range map[string]*[]int64{"base.group_user": &t.internal, "base.group_portal": &t.portal} {
		id, err := s.group(ctx, xmlid)
		if err != nil {
			return err
		}
		*to = leading(implies, id)
		t.all = append(t.all, *to...)
	}
	slices.Sort(t.all)
	t.all = slices.Compact(t.all)
	s.targets = t
	return nil
}

// implied says for each group which groups imply it directly.
func (s *SQL) implied(ctx context.Context) (map[int64][]int64, error) {
	rows, err := s.conn.Query(ctx, `SELECT gid::bigint, hid::bigint FROM res_groups_implied_rel`)
	if err != nil {
		return nil, err
	}
	out := map[int64][]int64{}
	var from, to int64
	_, err = pgx.ForEachRow(rows, []any{&from, &to}, func() error { out[to] = append(out[to], from); return nil })
	return out, err
}

// leading are a group and all that imply it.
func leading(implies map[int64][]int64, id int64) []int64 {
	out := []int64{id}
	for i := 0; i < len(out); i++ {
		for _, g := range implies[out[i]] {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// group finds a group by external id or by its name in any language.
func (s *SQL) group(ctx context.Context, name string) (int64, error) {
	module, id, _ := strings.Cut(name, ".")
	rows, err := s.conn.Query(ctx, `SELECT g.id::bigint, coalesce((SELECT min(d.module || '.' || d.name) FROM ir_model_data d WHERE d.model = 'res.groups' AND d.res_id = g.id), '')
		FROM res_groups g WHERE g.id IN (SELECT res_id FROM ir_model_data WHERE model = 'res.groups' AND module = $1 AND name = $2)
		OR EXISTS (SELECT 1 FROM jsonb_each_text(to_jsonb(g.name)) n WHERE jsonb_typeof(to_jsonb(g.name)) = 'object' AND n.value = $3) ORDER BY g.id`, module, id, name)
	if err != nil {
		return 0, err
	}
	type found struct {
		ID    int64
		XMLID string
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[found])
	if err != nil {
		return 0, err
	}
	exact := slices.IndexFunc(all, func(f found) bool { return f.XMLID == name })
	switch {
	case exact >= 0:
		return all[exact].ID, nil
	case len(all) == 0:
		return 0, refuse("refused.group", idp.ErrInvalid, name)
	case len(all) > 1:
		var ids []string
		for _, f := range all {
			ids = append(ids, f.XMLID)
		}
		return 0, refuse("refused.groups.known", idp.ErrInvalid, name, strings.Join(ids, ", "))
	}
	return all[0].ID, nil
}

// signUpIsOpen reads both settings of ODOO.md §1.6.
func (s *SQL) signUpIsOpen(ctx context.Context) (open bool, err error) {
	query := `SELECT EXISTS (SELECT 1 FROM ir_config_parameter WHERE key = 'auth_signup.invitation_scope' AND value = 'b2c')`
	if s.has["website.auth_signup_uninvited"] {
		query = `SELECT EXISTS (SELECT 1 FROM website WHERE auth_signup_uninvited = 'b2c')`
	}
	return open, s.conn.QueryRow(ctx, query).Scan(&open)
}

// column is an expression for a column that some versions lack.
func (s *SQL) column(name, or string) string {
	table, field, _ := strings.Cut(name, ".")
	alias := map[string]string{"res_users": "u", "res_partner": "p"}[table]
	if !s.has[name] {
		return or
	}
	return "coalesce(" + alias + "." + field + ", " + or + ")"
}

// build writes the query for one page.
func (s *SQL) build() string {
	return `SELECT u.id::bigint, u.login, coalesce(p.name, ''), coalesce(p.email, ''), ` + s.column("res_partner.phone", "''") + `, ` + s.column("res_partner.mobile", "''") + `,
		` + s.column("res_partner.lang", "''") + `, ` + s.column("res_partner.tz", "''") + `, coalesce(pc.code, cc.code, ''), coalesce(c.name, ''), coalesce(u.active, false),
		coalesce(u.password, ''), ` + s.column("res_users.totp_secret", "''") + `, ` + s.column("res_users.oauth_provider_id", "0") + `::bigint, ` + s.column("res_users.oauth_uid", "''") + `,
		coalesce(greatest(u.write_date, p.write_date), 'epoch'::timestamp),
		` + s.customer() + `,
		ARRAY(SELECT r.gid::bigint FROM res_groups_users_rel r WHERE r.uid = u.id AND r.gid = ANY ($2))
		FROM res_users u JOIN res_partner p ON p.id = u.partner_id LEFT JOIN res_company c ON c.id = u.company_id
		LEFT JOIN res_partner cp ON cp.id = c.partner_id LEFT JOIN res_country pc ON pc.id = p.country_id LEFT JOIN res_country cc ON cc.id = cp.country_id ` + s.customerJoin() + `
		WHERE u.id > $1 ORDER BY u.id LIMIT $3`
}

// Begin goes back to the first user.
func (s *SQL) Begin(ctx context.Context, light bool) error {
	ctx, stop := context.WithTimeout(ctx, s.limit)
	defer stop()
	s.after, s.read, s.light = 0, 0, light
	return s.conn.QueryRow(ctx, `SELECT count(*) FROM res_users`).Scan(&s.count)
}

// Next returns the next page.
func (s *SQL) Next(ctx context.Context) ([]Person, error) {
	ctx, stop := context.WithTimeout(ctx, s.limit)
	defer stop()
	rows, err := s.conn.Query(ctx, s.query, s.after, s.targets.all, sqlPage)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, s.person)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	s.after, s.read = all[len(all)-1].ID, s.read+len(all)
	if s.light || !s.has["res_device_log.last_activity"] {
		return all, nil
	}
	return all, s.devices(ctx, all)
}

func (s *SQL) person(row pgx.CollectableRow) (p Person, err error) {
	var groups []int64
	err = row.Scan(&p.ID, &p.Login, &p.Name, &p.Email, &p.Phone, &p.Mobile, &p.Lang, &p.Zone, &p.Country, &p.Company, &p.Active,
		&p.Password, &p.App, &p.Provider, &p.Subject, &p.Written, &p.Customer.ID, &p.Customer.Name, &p.Customer.Main, &groups)
	p.Customer.Name = plain(p.Customer.Name)
	if p.App == "false" {
		p.App = ""
	}
	p.join(groups, s.targets)
	return p, err
}

// join notes which of the groups that are looked for somebody is in.
func (p *Person) join(groups []int64, t targets) {
	in := func(of []int64) bool {
		return slices.ContainsFunc(groups, func(g int64) bool { return slices.Contains(of, g) })
	}
	p.Internal, p.Portal = in(t.internal), in(t.portal)
	for name, of := range t.named {
		if in(of) {
			p.Groups = append(p.Groups, name)
		}
	}
	slices.Sort(p.Groups)
}

// devices reads where the users of a page signed in last.
func (s *SQL) devices(ctx context.Context, all []Person) error {
	place := make(map[int64]int, len(all))
	ids := make([]int64, len(all))
	for i, p := range all {
		place[p.ID], ids[i] = i, p.ID
	}
	rows, err := s.conn.Query(ctx, `SELECT user_id::bigint, ip_address, agent, country, first_activity, last_activity FROM (
		SELECT user_id, coalesce(ip_address, '') AS ip_address, trim(coalesce(browser, '') || ' ' || coalesce(platform, '')) AS agent, coalesce(country, '') AS country,
			coalesce(first_activity, 'epoch'::timestamp) AS first_activity, coalesce(last_activity, first_activity, 'epoch'::timestamp) AS last_activity,
			row_number() OVER (PARTITION BY user_id ORDER BY last_activity DESC NULLS LAST, id DESC) AS n
		FROM res_device_log WHERE user_id = ANY ($1)) d WHERE n <= $2 ORDER BY user_id, n`, ids, devicesMax)
	if err != nil {
		return err
	}
	var id int64
	var d Device
	_, err = pgx.ForEachRow(rows, []any{&id, &d.Address, &d.Agent, &d.Country, &d.First, &d.Last}, func() error {
		p := &all[place[id]]
		p.Devices = append(p.Devices, d)
		return nil
	})
	return err
}

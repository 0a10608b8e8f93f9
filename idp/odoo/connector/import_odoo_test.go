package connector_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp/store/storetest"
)

// odooTables is a database as Odoo makes it, as far as an import looks: what
// versions differ in is in braces.
const odooTables = `
CREATE TABLE res_country (id serial PRIMARY KEY, code varchar(2) NOT NULL, name jsonb);
CREATE TABLE res_partner (id serial PRIMARY KEY, name varchar, email varchar, phone varchar, {mobile} lang varchar, tz varchar, country_id int, write_date timestamp, active bool DEFAULT true);
CREATE TABLE res_company (id serial PRIMARY KEY, name varchar, partner_id int);
CREATE TABLE res_users (id serial PRIMARY KEY, company_id int, partner_id int, active bool, login varchar, password varchar, share bool, write_date timestamp, totp_secret varchar, oauth_provider_id int, oauth_uid varchar);
CREATE TABLE res_groups (id serial PRIMARY KEY, name jsonb);
CREATE TABLE res_groups_users_rel (gid int, uid int);
CREATE TABLE res_groups_implied_rel (gid int, hid int);
CREATE TABLE ir_model_data (id serial PRIMARY KEY, module varchar, name varchar, model varchar, res_id int);
CREATE TABLE ir_config_parameter (id serial PRIMARY KEY, key varchar, value text);
{devices}
CREATE INDEX ON res_groups_users_rel (uid, gid);
INSERT INTO res_country (code, name) VALUES ('FR', '{"en_US": "France"}'), ('BE', '{"en_US": "Belgium"}');
INSERT INTO res_partner (name, country_id, write_date) VALUES ('My Company', 1, '2026-01-01');
INSERT INTO res_company (name, partner_id) VALUES ('My Company', 1);
INSERT INTO res_groups (name) VALUES ('{"en_US": "Internal User"}'), ('{"en_US": "Portal", "fr_FR": "Portail"}'), ('{"en_US": "Public"}'), ('{"en_US": "Settings"}'), ('{"en_US": "Administrator"}'), ('{"en_US": "Administrator"}');
INSERT INTO ir_model_data (module, name, model, res_id) VALUES ('base', 'group_user', 'res.groups', 1), ('base', 'group_portal', 'res.groups', 2),
	('base', 'group_public', 'res.groups', 3), ('base', 'group_system', 'res.groups', 4), ('sales_team', 'group_sale_manager', 'res.groups', 5), ('stock', 'group_stock_manager', 'res.groups', 6);
INSERT INTO res_groups_implied_rel (gid, hid) VALUES (4, 1), (5, 1);`

// odooDB is a database of an Odoo of a version.
type odooDB struct {
	testing.TB
	dsn     string
	conn    *pgx.Conn
	version int
}

func newOdooDB(t testing.TB, version int) *odooDB {
	t.Helper()
	o := &odooDB{TB: t, dsn: storetest.Postgres(t), version: version}
	if _, err := url.Parse(o.dsn); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), o.dsn)
	if err != nil {
		t.Fatal(err)
	}
	o.conn = conn
	t.Cleanup(func() { conn.Close(t.Context()) })
	mobile, devices := "mobile varchar,", ""
	if version >= 19 {
		mobile = ""
	}
	if version >= 18 {
		devices = `CREATE TABLE res_device_log (id serial PRIMARY KEY, user_id int, platform varchar, browser varchar, ip_address varchar, country varchar, first_activity timestamp, last_activity timestamp);`
	}
	o.exec(strings.NewReplacer("{mobile}", mobile, "{devices}", devices).Replace(odooTables))
	for _, login := range []string{"__system__", "default", "public", "portaltemplate"} {
		o.user(odooUser{login: login, archived: true})
	}
	return o
}

func (o *odooDB) exec(sql string, args ...any) {
	o.Helper()
	if _, err := o.conn.Exec(o.Context(), sql, args...); err != nil {
		o.Fatal(err)
	}
}

// odooUser is a row of res_users with its contact.
type odooUser struct {
	login, email, name, phone, mobile, lang, tz, password, app string
	groups                                                     []int // 1 internal, 2 portal, 3 public
	archived                                                   bool
	devices                                                    int
}

// user adds one and returns their id.
func (o *odooDB) user(u odooUser) (id int64) {
	o.Helper()
	var partner int64
	scan := func(to *int64, sql string, args ...any) {
		o.Helper()
		if err := o.conn.QueryRow(o.Context(), sql, args...).Scan(to); err != nil {
			o.Fatal(err)
		}
	}
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	now := time.Date(2026, 7, 1, 8, 0, 0, 123456000, time.UTC)
	scan(&partner, `INSERT INTO res_partner (name, email, phone, lang, tz, write_date) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		null(u.name), null(u.email), null(u.phone), null(u.lang), null(u.tz), now)
	if u.mobile != "" {
		o.exec(`UPDATE res_partner SET mobile = $1 WHERE id = $2`, u.mobile, partner)
	}
	scan(&id, `INSERT INTO res_users (company_id, partner_id, active, login, password, share, write_date, totp_secret) VALUES (1, $1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		partner, !u.archived, u.login, null(u.password), len(u.groups) > 0 && u.groups[0] == 2, now, null(u.app))
	for _, g := range u.groups {
		o.exec(`INSERT INTO res_groups_users_rel (uid, gid) VALUES ($1, $2)`, id, g)
		if g > 3 && o.version < 19 { // implied groups are written out
			o.exec(`INSERT INTO res_groups_users_rel (uid, gid) VALUES ($1, 1)`, id)
		}
	}
	for n := range u.devices {
		o.exec(`INSERT INTO res_device_log (user_id, platform, browser, ip_address, country, first_activity, last_activity) VALUES ($1, 'linux', 'firefox', '203.0.113.7', 'France', $2, $3)`,
			id, now, now.Add(time.Duration(n)*time.Hour))
	}
	return id
}

// crowd fills the database with n portal users, in a few statements.
func (o *odooDB) crowd(n int) {
	o.Helper()
	const hash = "$pbkdf2-sha512$600000$QYjRGoNQSmnt3ZsTorS2Vg$i924uU8QG6CscT4IkHh6r64s4YjY.GMStAvwQDJ/rfc5pjS1WQUJ7nVr05pM3mhCfEMuQtph3vgr1jdE69elcA"
	o.exec(fmt.Sprintf(`INSERT INTO res_partner (id, name, email, phone, lang, tz, country_id, write_date)
		SELECT 1000 + i, 'Customer ' || i, 'customer' || i || '@example.org', '+33 6 12 ' || lpad((i %% 1000000)::text, 6, '0'), 'fr_FR', 'Europe/Paris', 1, now() FROM generate_series(1, %d) i`, n))
	o.exec(fmt.Sprintf(`INSERT INTO res_users (id, company_id, partner_id, active, login, password, share, write_date, totp_secret)
		SELECT 1000 + i, 1, 1000 + i, true, 'customer' || i || '@example.org', '%s', true, now(), CASE WHEN i %% 10 = 0 THEN 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' END FROM generate_series(1, %d) i`, hash, n))
	o.exec(fmt.Sprintf(`INSERT INTO res_groups_users_rel (uid, gid) SELECT 1000 + i, 2 FROM generate_series(1, %d) i`, n))
	o.exec(`ANALYZE`)
}

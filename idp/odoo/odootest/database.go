package odootest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// odooTables is a database as Odoo makes it, as far as an import looks: what
// versions differ in is in braces.
const odooTables = `
CREATE TABLE res_country (id serial PRIMARY KEY, code varchar(2) NOT NULL, name jsonb);
CREATE TABLE res_partner (id serial PRIMARY KEY, name varchar, email varchar, phone varchar, {mobile} lang varchar, tz varchar, country_id int, parent_id int, commercial_partner_id int, is_company bool, write_date timestamp, active bool DEFAULT true);
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

// Database is what lies under an Odoo: the tables that an import reads.
type Database struct {
	testing.TB
	DSN     string
	conn    *pgx.Conn
	version int
}

// NewDatabase makes the tables of a version in an empty PostgreSQL database or
// schema.
func NewDatabase(t testing.TB, dsn string, version int) *Database {
	t.Helper()
	o := &Database{TB: t, DSN: dsn, version: version}
	conn, err := pgx.Connect(t.Context(), o.DSN)
	if err != nil {
		t.Fatal(err)
	}
	o.conn = conn
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	mobile, devices := "mobile varchar,", ""
	if version >= 19 {
		mobile = ""
	}
	if version >= 18 {
		devices = `CREATE TABLE res_device_log (id serial PRIMARY KEY, user_id int, platform varchar, browser varchar, ip_address varchar, country varchar, first_activity timestamp, last_activity timestamp);`
	}
	o.exec(strings.NewReplacer("{mobile}", mobile, "{devices}", devices).Replace(odooTables))
	for _, login := range []string{"__system__", "default", "public", "portaltemplate"} {
		o.User(User{Login: login, Archived: true})
	}
	return o
}

func (o *Database) exec(sql string, args ...any) {
	o.Helper()
	if _, err := o.conn.Exec(o.Context(), sql, args...); err != nil {
		o.Fatal(err)
	}
}

// User is a row of res_users with its contact.
type User struct {
	Login, Email, Name, Phone, Mobile, Lang, Zone string
	Password, App                                 string // hash, and base32
	Groups                                        []int  // 1 internal, 2 portal, 3 public, 5 sales_team.group_sale_manager
	Archived                                      bool
	Devices                                       int    // lines of history
	Company                                       string // of which they are a contact
	Main                                          bool   // or its own
}

// User adds one and returns their id.
func (o *Database) User(u User) (id int64) {
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
		null(u.Name), null(u.Email), null(u.Phone), null(u.Lang), null(u.Zone), now)
	if u.Mobile != "" {
		o.exec(`UPDATE res_partner SET mobile = $1 WHERE id = $2`, u.Mobile, partner)
	}
	o.customer(u, partner, scan)
	scan(&id, `INSERT INTO res_users (company_id, partner_id, active, login, password, share, write_date, totp_secret) VALUES (1, $1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		partner, !u.Archived, u.Login, null(u.Password), len(u.Groups) > 0 && u.Groups[0] == 2, now, null(u.App))
	for _, g := range u.Groups {
		o.exec(`INSERT INTO res_groups_users_rel (uid, gid) VALUES ($1, $2)`, id, g)
		if g > 3 && o.version < 19 { // implied groups are written out
			o.exec(`INSERT INTO res_groups_users_rel (uid, gid) VALUES ($1, 1)`, id)
		}
	}
	for n := range u.Devices {
		o.exec(`INSERT INTO res_device_log (user_id, platform, browser, ip_address, country, first_activity, last_activity) VALUES ($1, 'linux', 'firefox', '203.0.113.7', 'France', $2, $3)`,
			id, now, now.Add(time.Duration(n)*time.Hour))
	}
	return id
}

// customer makes a contact that of a company, which is made if it is new.
func (o *Database) customer(u User, partner int64, scan func(*int64, string, ...any)) {
	o.Helper()
	of := partner
	switch {
	case u.Company != "" && u.Main:
		o.exec(`UPDATE res_partner SET name = $1, is_company = true WHERE id = $2`, u.Company, partner)
	case u.Company != "":
		o.exec(`INSERT INTO res_partner (name, is_company) SELECT $1::varchar, true WHERE NOT EXISTS (SELECT 1 FROM res_partner WHERE is_company AND name = $1)`, u.Company)
		scan(&of, `SELECT id FROM res_partner WHERE is_company AND name = $1`, u.Company)
	}
	o.exec(`UPDATE res_partner SET commercial_partner_id = $1 WHERE id = $2`, of, partner)
}

// Crowd fills the database with n portal users, in a few statements.
func (o *Database) Crowd(n int) {
	o.Helper()
	const hash = "$pbkdf2-sha512$600000$QYjRGoNQSmnt3ZsTorS2Vg$i924uU8QG6CscT4IkHh6r64s4YjY.GMStAvwQDJ/rfc5pjS1WQUJ7nVr05pM3mhCfEMuQtph3vgr1jdE69elcA"
	o.exec(fmt.Sprintf(`INSERT INTO res_partner (id, name, email, phone, lang, tz, country_id, write_date)
		SELECT 1000 + i, 'Customer ' || i, 'customer' || i || '@example.org', '+33 6 12 ' || lpad((i %% 1000000)::text, 6, '0'), 'fr_FR', 'Europe/Paris', 1, now() FROM generate_series(1, %d) i`, n))
	o.exec(fmt.Sprintf(`INSERT INTO res_users (id, company_id, partner_id, active, login, password, share, write_date, totp_secret)
		SELECT 1000 + i, 1, 1000 + i, true, 'customer' || i || '@example.org', '%s', true, now(), CASE WHEN i %% 10 = 0 THEN 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' END FROM generate_series(1, %d) i`, hash, n))
	o.exec(fmt.Sprintf(`INSERT INTO res_groups_users_rel (uid, gid) SELECT 1000 + i, 2 FROM generate_series(1, %d) i`, n))
	o.exec(`ANALYZE`)
}

package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/account"
)

// exported are the columns of Odoo's own export of users, by their labels and
// their technical names, that mean something else than in a list of people.
var exported = map[string]string{
	".id": "odoo_id", "id": "odoo_id", "odoo_id": "odoo_id", "database_id": "odoo_id", "active": "active", "archived": "archived", "share": "share", "share_user": "share",
	"tz": "zone", "timezone": "zone", "time_zone": "zone", "user_type": "kind", "company": "company", "company_id": "company", "company_name": "company",
	"email_normalized": "", "user_types": "kind",
}

// CSV reads a file that Odoo exported, or anybody wrote. It can hold hashes.
type CSV struct {
	file    io.ReadSeeker
	columns map[string]string
	table   *account.Table
	groups  []string
}

// OpenCSV reads the header. Columns are those of `latchkey user import`, and of
// Odoo's export: .id, active, share, tz, company. groups are those of the column
// groups that become groups here.
func OpenCSV(file io.ReadSeeker, groups []string) (*CSV, error) {
	c := &CSV{file: file, columns: map[string]string{}, groups: groups}
	for name, field := range exported {
		if field != "" {
			c.columns[name] = field
		}
	}
	return c, c.Begin(context.Background(), true)
}

// Unknown are columns that mean nothing here and are left out.
func (c *CSV) Unknown() []string { return c.table.Unknown }

// Begin goes back to the first row.
func (c *CSV) Begin(context.Context, bool) (err error) {
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	c.table, err = account.OpenTableWith(c.file, c.columns)
	return err
}

// Part is how much has been read, 0 to 1.
func (c *CSV) Part() float64 { return c.table.Part() }

// OpenSignUp is not known from a file.
func (c *CSV) OpenSignUp() bool { return true }

// Next returns some rows.
func (c *CSV) Next(ctx context.Context) (out []Person, err error) {
	for len(out) < 200 {
		row, err := c.table.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		out = append(out, c.person(row))
	}
	return out, nil
}

func (c *CSV) person(row account.Row) Person {
	v := row.Extra
	p := Person{
		Line: row.Line, wrong: errors.Join(row.Wrong...), Login: v["login"], Name: v["name"], Email: v["email"], Phone: v["phone"], Lang: v["locale"],
		Zone: v["zone"], Company: v["company"], Active: true, Password: v["password_hash"], App: v["totp_secret"],
	}
	if p.Login == "" {
		p.Login = p.Email
	}
	if id := v["odoo_id"]; id != "" && !strings.Contains(id, "_") { // an external id such as __export__.res_users_7 says nothing
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			p.wrong = errors.Join(p.wrong, fmt.Errorf("%w: id %q: a number is expected", idp.ErrInvalid, id))
		}
		p.ID = n
	}
	for _, g := range row.In.Groups {
		if slices.Contains(c.groups, g) {
			p.Groups = append(p.Groups, g)
		}
	}
	p.Portal = c.portal(v)
	p.Internal = !p.Portal
	for field, to := range map[string]func(bool){"active": func(is bool) { p.Active = is }, "archived": func(is bool) { p.Active = !is }} {
		is, err := account.Truth(v[field])
		if err != nil {
			p.wrong = errors.Join(p.wrong, fmt.Errorf("%s %w", field, err))
		} else if v[field] != "" {
			to(is)
		}
	}
	return p
}

// portal reads the kind of a user from a column share, or kind as we or Odoo
// write it.
func (c *CSV) portal(v map[string]string) bool {
	if is, err := account.Truth(v["share"]); err == nil && is {
		return true
	}
	return strings.Contains(strings.ToLower(v["kind"]), "portal")
}

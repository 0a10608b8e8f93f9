package connector

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// rpcPage is how many users are read in one call: about 300 KB of XML.
const rpcPage = 500

// RPC reads through Odoo's own interface, which gives no secrets: people who
// come in this way have no password here (see Trickle).
type RPC struct {
	client    *rpc.Client
	fields    []string
	groups    string // the field of all groups of a user
	targets   targets
	countries map[int64]string
	open      bool

	light       bool
	after       int64
	read, count int
}

// OpenRPC prepares to read from an Odoo. groups are those that people's
// membership in is wanted, by external id or name; one that is not there is
// idp.ErrInvalid.
func OpenRPC(ctx context.Context, c *rpc.Client, groups []string) (*RPC, error) {
	s := &RPC{client: c, countries: map[int64]string{}}
	has, err := c.Fields(ctx, "res.users")
	if err != nil {
		return nil, err
	}
	for _, f := range []string{"all_group_ids", "group_ids", "groups_id"} { // 19 tells the given ones from all
		if has[f] {
			s.groups = f
			break
		}
	}
	for _, f := range []string{"login", "name", "email", "phone", "mobile", "lang", "tz", "country_id", "company_id", "partner_id", "commercial_partner_id", "active", "oauth_provider_id", "oauth_uid", "write_date", s.groups} {
		if has[f] {
			s.fields = append(s.fields, f)
		}
	}
	if err := s.aim(ctx, groups); err != nil {
		return nil, err
	}
	var all []struct {
		ID   int64
		Code rpc.Text
	}
	if err := c.SearchRead(ctx, "res.country", nil, []string{"code"}, rpc.Page{}, &all); err != nil {
		return nil, err
	}
	for _, r := range all {
		s.countries[r.ID] = string(r.Code)
	}
	return s, nil
}

// SignUp tells whether strangers can make themselves portal users.
func (s *RPC) SignUp(open bool) *RPC { s.open = open; return s }

// SignIns has the moment of people's last sign-in read, too.
func (s *RPC) SignIns() { s.fields = append(s.fields, "login_date") }

// OpenSignUp reports whether strangers can make themselves portal users.
func (s *RPC) OpenSignUp() bool { return s.open }

func (s *RPC) aim(ctx context.Context, groups []string) error {
	s.targets = targets{named: map[string][]int64{}}
	for _, name := range groups {
		id, err := s.group(ctx, name)
		if err != nil {
			return err
		}
		s.targets.named[name] = []int64{id}
	}
	for xmlid, to := range map[string]*[]int64{"base.group_user": &s.targets.internal, "base.group_portal": &s.targets.portal} {
		id, err := s.group(ctx, xmlid)
		if err != nil {
			return err
		}
		*to = []int64{id}
	}
	return nil
}

// group finds a group by external id or by its name.
func (s *RPC) group(ctx context.Context, name string) (int64, error) {
	id, err := groupID(ctx, s.client, name)
	if !errors.Is(err, idp.ErrInvalid) {
		return id, err
	}
	ids, err := s.client.Search(ctx, "res.groups", rpc.Domain{rpc.Is("name", "=", name)}, rpc.Page{Limit: 2})
	switch {
	case err != nil:
		return 0, err
	case len(ids) == 0:
		return 0, refuse("refused.group", idp.ErrInvalid, name)
	case len(ids) > 1:
		return 0, refuse("refused.groups", idp.ErrInvalid, name)
	}
	return ids[0], nil
}

// groupID finds a group by its external id.
func groupID(ctx context.Context, r *rpc.Client, xmlid string) (int64, error) {
	module, name, _ := strings.Cut(xmlid, ".")
	var data []struct {
		ResID int64 `json:"res_id"`
	}
	err := r.SearchRead(ctx, "ir.model.data", rpc.Domain{rpc.Is("model", "=", "res.groups"), rpc.Is("module", "=", module), rpc.Is("name", "=", name)},
		[]string{"res_id"}, rpc.Page{Limit: 1}, &data)
	if err == nil && len(data) == 0 {
		err = refuse("refused.group", idp.ErrInvalid, xmlid)
	}
	if err != nil {
		return 0, err
	}
	return data[0].ResID, nil
}

// Begin goes back to the first user.
func (s *RPC) Begin(ctx context.Context, light bool) (err error) {
	s.after, s.read, s.light = 0, 0, light
	s.count, err = s.client.Count(ctx, "res.users", nil, rpc.Page{Archived: true})
	return err
}

// Part is how much has been read, 0 to 1.
func (s *RPC) Part() float64 {
	if s.count == 0 {
		return 0
	}
	return min(1, float64(s.read)/float64(s.count))
}

// userRow is a user as Odoo tells of them.
type userRow struct {
	ID                 int64
	Login, Name, Email rpc.Text
	Phone, Mobile      rpc.Text
	Lang, TZ           rpc.Text
	Country            rpc.Ref `json:"country_id"`
	Company            rpc.Ref `json:"company_id"`
	Partner            rpc.Ref `json:"partner_id"`
	Commercial         rpc.Ref `json:"commercial_partner_id"`
	Active, Share      bool
	Provider           rpc.Ref  `json:"oauth_provider_id"`
	Subject            rpc.Text `json:"oauth_uid"`
	Written            rpc.Time `json:"write_date"`
	Came               rpc.Time `json:"login_date"`
	All                []int64  `json:"all_group_ids"`
	Given              []int64  `json:"group_ids"`
	Old                []int64  `json:"groups_id"`
}

// Next returns the next page.
func (s *RPC) Next(ctx context.Context) ([]Person, error) {
	all, err := s.find(ctx, rpc.Domain{rpc.Is("id", ">", s.after)}, rpcPage)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	s.after, s.read = all[len(all)-1].ID, s.read+len(all)
	return all, nil
}

// find reads users by id.
func (s *RPC) find(ctx context.Context, where rpc.Domain, limit int) ([]Person, error) {
	fields := s.fields
	if s.light {
		fields = slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return !slices.Contains([]string{"login", "email", "active", s.groups}, f) })
	}
	var rows []userRow
	if err := s.client.SearchRead(ctx, "res.users", where, fields, rpc.Page{Limit: limit, Order: "id", Archived: true}, &rows); err != nil {
		return nil, err
	}
	out := make([]Person, len(rows))
	for i, r := range rows {
		out[i] = s.person(r)
	}
	return out, s.customers(ctx, rows, out)
}

func (s *RPC) person(r userRow) Person {
	p := Person{
		ID: r.ID, Login: string(r.Login), Name: string(r.Name), Email: string(r.Email), Phone: string(r.Phone), Mobile: string(r.Mobile),
		Lang: string(r.Lang), Zone: string(r.TZ), Country: s.countries[r.Country.ID], Company: r.Company.Name, Active: r.Active,
		Provider: r.Provider.ID, Subject: string(r.Subject), Written: r.Written.Time, Came: r.Came.Time,
	}
	p.join(slices.Concat(r.All, r.Given, r.Old), s.targets)
	return p
}

// changed reads users whose own row or contact was written since a moment, by
// id. What is equal to it is read again, for Odoo tells whole seconds only.
func (s *RPC) changed(ctx context.Context, since time.Time, after int64) ([]Person, error) {
	where := rpc.Domain{rpc.Is("id", ">", after)}
	where = append(where, rpc.Or(rpc.Is("write_date", ">=", since.UTC().Format(rpc.Layout)), rpc.Is("partner_id.write_date", ">=", since.UTC().Format(rpc.Layout)))...)
	return s.find(ctx, where, rpcPage)
}

// written is when one of the groups that are looked for was written last: who is
// put into a group there is not written themselves.
func (s *RPC) written(ctx context.Context) (time.Time, error) {
	ids := slices.Concat(s.targets.internal, s.targets.portal)
	for _, of := range s.targets.named {
		ids = append(ids, of...)
	}
	var last []userRow
	err := s.client.SearchRead(ctx, "res.groups", rpc.Domain{rpc.Is("id", "in", ids)}, []string{"write_date"}, rpc.Page{Limit: 1, Order: "write_date desc"}, &last)
	if err != nil || len(last) == 0 {
		return time.Time{}, err
	}
	return last[0].Written.Time, nil
}

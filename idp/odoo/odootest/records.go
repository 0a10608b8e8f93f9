package odootest

import (
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"sync"
)

// Record is one record: false is nothing, references are ids, lists of
// references []int64.
type Record map[string]any

// model is a table of records with the fields that it knows.
type model struct {
	fields map[string]string // name → type
	rows   map[int64]Record
}

func (m *model) ids() []int64 { return slices.Sorted(maps.Keys(m.rows)) }

// records are what an Odoo keeps. mu is held by whoever calls a method.
type records struct {
	*Options
	mu     sync.Mutex
	models map[string]*model
	params map[string]string
}

// ofPartner are fields of users that lie with their partner.
var ofPartner = []string{"name", "email", "lang", "tz", "phone", "mobile", "country_id", "is_company"}

// refersTo says which model a reference is to.
var refersTo = map[string]string{
	"partner_id": "res.partner", "commercial_partner_id": "res.partner", "company_id": "res.company", "oauth_provider_id": "auth.oauth.provider", "user_id": "res.users", "parent_id": "res.partner", "country_id": "res.country",
}

const layout = "2006-01-02 15:04:05"

// insert makes a record.
func (d *records) insert(name string, values Record) int64 {
	m := d.models[name]
	id := int64(1)
	for have := range m.rows {
		id = max(id, have+1)
	}
	now := d.Now().UTC().Format(layout)
	r := Record{"id": id, "create_date": now, "write_date": now}
	for field, kind := range m.fields {
		if _, set := r[field]; !set {
			r[field] = map[string]any{"many2many": []int64{}, "integer": int64(0)}[kind]
			if r[field] == nil {
				r[field] = false
			}
		}
	}
	if m.fields["active"] != "" {
		r["active"] = true
	}
	m.rows[id] = r
	if name == "res.users" {
		d.partner(r, values)
	}
	d.assign(name, r, values)
	return id
}

// partner gives a user one, unless it is on one that is there.
func (d *records) partner(r, values Record) {
	r["company_id"] = int64(1)
	if p, ok := number(values["partner_id"]); ok && p > 0 {
		r["partner_id"] = p
		return
	}
	r["partner_id"] = d.insert("res.partner", Record{"lang": "en_US"})
}

// update changes a record.
func (d *records) update(name string, id int64, values Record) {
	r := d.models[name].rows[id]
	if r == nil {
		return
	}
	r["write_date"] = d.Now().UTC().Format(layout)
	d.assign(name, r, values)
}

// assign puts values where they belong.
func (d *records) assign(name string, r, values Record) {
	for field, v := range values {
		if name == "res.users" && slices.Contains(ofPartner, field) {
			p, _ := number(r["partner_id"])
			d.update("res.partner", p, Record{field: v})
			continue
		}
		switch d.models[name].fields[field] {
		case "many2many":
			r[field] = commands(r[field], v)
		case "many2one", "integer":
			if n, ok := number(v); ok {
				r[field] = n
			} else {
				r[field] = false
			}
		default:
			r[field] = v
			if v == "" {
				r[field] = false // as PostgreSQL's NULL comes back
			}
		}
	}
	d.share(name, r)
}

// share keeps the computed field of users in step with their groups.
func (d *records) share(name string, r Record) {
	if name != "res.users" {
		return
	}
	groups, _ := r[d.groupsField()].([]int64)
	r["share"] = !slices.Contains(groups, d.group("group_user")) && !slices.Contains(groups, d.group("group_system"))
}

// commands applies Odoo's ways to change a list: (6,0,ids), (4,id), (3,id).
func commands(have, v any) []int64 {
	out, _ := have.([]int64)
	out = slices.Clone(out)
	switch v := v.(type) {
	case []int64:
		return v
	case []any:
		for _, c := range v {
			c, ok := c.([]any)
			if !ok || len(c) == 0 {
				continue
			}
			switch op, _ := number(c[0]); op {
			case 6:
				out = numbers(c[2])
			case 4:
				n, _ := number(c[1])
				out = append(out, n)
			case 3:
				n, _ := number(c[1])
				out = slices.DeleteFunc(out, func(o int64) bool { return o == n })
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// whole is a record with what belongs to its partner.
func (d *records) whole(name string, r Record) Record {
	out := maps.Clone(r)
	d.compute(name, out)
	if name == "res.users" {
		p, _ := number(r["partner_id"])
		out["commercial_partner_id"] = d.commercial(d.models["res.partner"].rows[p])
		for _, field := range ofPartner {
			if v, ok := d.models["res.partner"].rows[p][field]; ok {
				out[field] = v
			}
		}
	}
	return out
}

// compute fills in fields that are not stored: the users of a partner, and all
// groups of a user, which before version 19 are those that are stored.
func (d *records) compute(name string, r Record) {
	switch {
	case name == "res.partner":
		users := []int64{}
		for id, u := range d.models["res.users"].rows {
			if p, _ := number(u["partner_id"]); u["active"] == true && same(p, r["id"]) {
				users = append(users, id)
			}
		}
		r["user_ids"], r["email_normalized"] = users, false
		if a, err := mail.ParseAddress(fmt.Sprint(r["email"])); err == nil {
			r["email_normalized"] = strings.ToLower(a.Address)
		}
		r["commercial_partner_id"] = d.commercial(r)
	case name == "res.users" && d.Series >= 19:
		all, _ := r["group_ids"].([]int64)
		if slices.Contains(all, d.group("group_system")) {
			all = append(slices.Clone(all), d.group("group_user"))
		}
		r["all_group_ids"] = all
	}
}

// shown is a record as read gives it out: references with their names, no
// password.
func (d *records) shown(name string, r Record, fields []string) Record {
	all := d.whole(name, r)
	if len(fields) == 0 {
		fields = slices.Collect(maps.Keys(d.models[name].fields))
	}
	out := Record{"id": r["id"]}
	for _, field := range fields {
		v := all[field]
		if field == "password" || field == "oauth_access_token" {
			v = ""
		}
		if id, ok := v.(int64); ok && refersTo[field] != "" {
			v = []any{id, fmt.Sprint(d.whole(refersTo[field], d.models[refersTo[field]].rows[id])["name"])}
		}
		out[field] = v
	}
	return out
}

// commercial is the company of a contact, or itself.
func (d *records) commercial(r Record) any {
	if r == nil {
		return false
	}
	parent, has := number(r["parent_id"])
	if up := d.models["res.partner"].rows[parent]; has && up != nil && r["is_company"] != true {
		return d.commercial(up)
	}
	return r["id"]
}

func (d *records) groupsField() string {
	if d.Series >= 19 {
		return "group_ids"
	}
	return "groups_id"
}

func (d *records) group(name string) int64 {
	for _, r := range d.models["ir.model.data"].rows {
		if r["name"] == name {
			return r["res_id"].(int64)
		}
	}
	return 0
}

func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		return int64(v), true
	}
	return 0, false
}

func numbers(v any) (out []int64) {
	switch v := v.(type) {
	case []int64:
		return slices.Clone(v)
	case []any:
		for _, e := range v {
			if n, ok := number(e); ok {
				out = append(out, n)
			}
		}
	}
	return out
}

package odootest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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

// ofPartner are fields of users that lie with their partner.
var ofPartner = []string{"name", "email", "lang", "tz", "phone", "mobile", "country_id", "is_company"}

// refersTo says which model a reference is to.
var refersTo = map[string]string{
	"partner_id": "res.partner", "commercial_partner_id": "res.partner", "company_id": "res.company", "oauth_provider_id": "auth.oauth.provider", "user_id": "res.users", "parent_id": "res.partner", "country_id": "res.country",
}

// define makes the models as this version has them.
func (f *Odoo) define() {
	for name, fields := range map[string]string{ //nolint:gosec // the name of a field
		"res.users":           "login:char active:boolean share:boolean partner_id:many2one company_id:many2one totp_enabled:boolean login_date:datetime password:char name:char email:char lang:selection tz:selection phone:char is_company:boolean commercial_partner_id:many2one " + f.groupsField() + ":many2many",
		"res.partner":         "name:char email:char lang:selection tz:selection phone:char active:boolean is_company:boolean parent_id:many2one commercial_partner_id:many2one user_ids:one2many",
		"res.company":         "name:char primary_color:char secondary_color:char logo_web:binary uses_default_logo:boolean",
		"res.groups":          "name:char full_name:char",
		"ir.model.data":       "module:char name:char model:char res_id:integer",
		"ir.module.module":    "name:char state:selection",
		"res.lang":            "name:char code:char active:boolean",
		"res.users.apikeys":   "name:char user_id:many2one scope:char",
		"auth.oauth.provider": "name:char client_id:char enabled:boolean body:char scope:char auth_endpoint:char validation_endpoint:char data_endpoint:char css_class:char sequence:integer",
		"ir.config_parameter": "key:char value:text",
		"res.users.log":       "create_uid:many2one",
		"res.country":         "name:char code:char",
	} {
		f.models[name] = &model{fields: map[string]string{}, rows: map[int64]Record{}}
		for _, field := range strings.Fields(fields + " id:integer create_date:datetime write_date:datetime") {
			n, kind, _ := strings.Cut(field, ":")
			f.models[name].fields[n] = kind
		}
	}
	users := f.models["res.users"].fields
	if f.Series < 19 {
		users["mobile"], f.models["res.partner"].fields["mobile"] = "char", "char"
		users["oauth_access_token"] = "char"
	}
	users["oauth_provider_id"], users["oauth_uid"] = "many2one", "char"
	users["country_id"], f.models["res.partner"].fields["country_id"] = "many2one", "many2one"
	if f.Series >= 19 {
		users["all_group_ids"] = "many2many"
	}
	if f.Series >= 18 {
		f.models["res.users.apikeys"].fields["expiration_date"] = "datetime"
	}
	if f.Website {
		f.models["website"] = &model{rows: map[int64]Record{}, fields: map[string]string{
			"id": "integer", "name": "char", "domain": "char", "auth_signup_uninvited": "selection", "custom_code_head": "html",
			"create_date": "datetime", "write_date": "datetime",
		}}
	}
}

const layout = "2006-01-02 15:04:05"

// insert makes a record; mu is held.
func (f *Odoo) insert(name string, values Record) int64 {
	m := f.models[name]
	id := int64(1)
	for have := range m.rows {
		id = max(id, have+1)
	}
	now := f.Now().UTC().Format(layout)
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
		f.partner(r, values)
	}
	f.assign(name, r, values)
	return id
}

// partner gives a user one, unless it is on one that is there.
func (f *Odoo) partner(r, values Record) {
	r["company_id"] = int64(1)
	if p, ok := number(values["partner_id"]); ok && p > 0 {
		r["partner_id"] = p
		return
	}
	r["partner_id"] = f.insert("res.partner", Record{"lang": "en_US"})
}

// update changes a record; mu is held.
func (f *Odoo) update(name string, id int64, values Record) {
	r := f.models[name].rows[id]
	if r == nil {
		return
	}
	r["write_date"] = f.Now().UTC().Format(layout)
	f.assign(name, r, values)
}

// assign puts values where they belong.
func (f *Odoo) assign(name string, r, values Record) {
	for field, v := range values {
		if name == "res.users" && slices.Contains(ofPartner, field) {
			p, _ := number(r["partner_id"])
			f.update("res.partner", p, Record{field: v})
			continue
		}
		switch f.models[name].fields[field] {
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
	f.share(name, r)
}

// share keeps the computed field of users in step with their groups.
func (f *Odoo) share(name string, r Record) {
	if name != "res.users" {
		return
	}
	groups, _ := r[f.groupsField()].([]int64)
	r["share"] = !slices.Contains(groups, f.group("group_user")) && !slices.Contains(groups, f.group("group_system"))
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
func (f *Odoo) whole(name string, r Record) Record {
	out := maps.Clone(r)
	f.compute(name, out)
	if name == "res.users" {
		p, _ := number(r["partner_id"])
		out["commercial_partner_id"] = f.commercial(f.models["res.partner"].rows[p])
		for _, field := range ofPartner {
			if v, ok := f.models["res.partner"].rows[p][field]; ok {
				out[field] = v
			}
		}
	}
	return out
}

// compute fills in fields that are not stored: the users of a partner, and all
// groups of a user, which before version 19 are those that are stored.
func (f *Odoo) compute(name string, r Record) {
	switch {
	case name == "res.partner":
		users := []int64{}
		for id, u := range f.models["res.users"].rows {
			if p, _ := number(u["partner_id"]); u["active"] == true && same(p, r["id"]) {
				users = append(users, id)
			}
		}
		r["user_ids"] = users
		r["commercial_partner_id"] = f.commercial(r)
	case name == "res.users" && f.Series >= 19:
		all, _ := r["group_ids"].([]int64)
		if slices.Contains(all, f.group("group_system")) {
			all = append(slices.Clone(all), f.group("group_user"))
		}
		r["all_group_ids"] = all
	}
}

// shown is a record as read gives it out: references with their names, no
// password.
func (f *Odoo) shown(name string, r Record, fields []string) Record {
	all := f.whole(name, r)
	if len(fields) == 0 {
		fields = slices.Collect(maps.Keys(f.models[name].fields))
	}
	out := Record{"id": r["id"]}
	for _, field := range fields {
		v := all[field]
		if field == "password" || field == "oauth_access_token" {
			v = ""
		}
		if id, ok := v.(int64); ok && refersTo[field] != "" {
			v = []any{id, fmt.Sprint(f.whole(refersTo[field], f.models[refersTo[field]].rows[id])["name"])}
		}
		out[field] = v
	}
	return out
}

// commercial is the company of a contact, or itself.
func (f *Odoo) commercial(r Record) any {
	if r == nil {
		return false
	}
	parent, has := number(r["parent_id"])
	if up := f.models["res.partner"].rows[parent]; has && up != nil && r["is_company"] != true {
		return f.commercial(up)
	}
	return r["id"]
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

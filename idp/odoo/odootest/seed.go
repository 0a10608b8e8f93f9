package odootest

import "strings"

// seed makes what a new database has.
func (d *records) seed() {
	d.define()
	add := func(model string, r Record) int64 { return d.insert(model, r) }
	company := add("res.company", Record{"name": "My Company", "primary_color": "#714B67", "secondary_color": false, "logo_web": "iVBORw0KGgo="})
	for _, g := range []string{"group_user", "group_portal", "group_public", "group_system"} {
		id := add("res.groups", Record{"name": g, "full_name": g, "lock_timeout_inactivity": int64(0)})
		add("ir.model.data", Record{"module": "base", "name": g, "model": "res.groups", "res_id": id})
	}
	for _, u := range []struct {
		login  string
		active bool
		group  string
	}{{"__system__", false, "group_user"}, {Login, true, "group_system"}, {"public", false, "group_public"}, {"portaltemplate", false, "group_portal"}} {
		add("res.users", Record{
			"login": u.login, "name": u.login, "active": u.active, "company_id": company, "password": Password, "share": u.group != "group_system" && u.group != "group_user",
			d.groupsField(): []int64{d.group(u.group)},
		})
	}
	add("res.lang", Record{"name": "English (US)", "code": "en_US"})
	modules := []string{"auth_signup", "auth_totp", "portal"}
	if d.Website {
		modules = append(modules, "website")
		add("website", Record{"name": "My Website", "domain": false, "auth_signup_uninvited": "b2b", "custom_code_head": false})
	}
	for _, m := range modules {
		add("ir.module.module", Record{"name": m, "state": "installed"})
	}
	oauth := add("ir.module.module", Record{"name": "auth_oauth", "state": "installed"})
	if d.NoOAuth {
		d.models["ir.module.module"].rows[oauth]["state"] = "uninstalled"
	} else {
		d.installOAuth()
	}
}

// installOAuth brings the rows that the module comes with.
func (d *records) installOAuth() {
	for _, n := range []string{"Odoo.com Accounts", "Facebook Graph", "Google OAuth2"} {
		d.insert("auth.oauth.provider", Record{
			"name": n, "enabled": false, "body": "Log in with " + n, "auth_endpoint": "https://accounts.example.org/auth", "validation_endpoint": "https://accounts.example.org/info",
			"scope": "openid", "client_id": false, "data_endpoint": false, "css_class": "fa", "sequence": int64(10),
		})
	}
}

// define makes the models as this version has them.
func (d *records) define() {
	for name, fields := range map[string]string{ //nolint:gosec // the name of a field
		"res.users":           "login:char active:boolean share:boolean partner_id:many2one company_id:many2one totp_enabled:boolean login_date:datetime password:char name:char email:char lang:selection tz:selection phone:char is_company:boolean commercial_partner_id:many2one " + d.groupsField() + ":many2many",
		"res.partner":         "name:char email:char lang:selection tz:selection phone:char email_normalized:char active:boolean is_company:boolean parent_id:many2one commercial_partner_id:many2one user_ids:one2many",
		"res.company":         "name:char primary_color:char secondary_color:char logo_web:binary uses_default_logo:boolean",
		"res.groups":          "name:char full_name:char",
		"ir.model.data":       "module:char name:char model:char res_id:integer",
		"ir.module.module":    "name:char state:selection",
		"res.lang":            "name:char code:char active:boolean",
		"res.users.apikeys":   "name:char user_id:many2one scope:char",
		"auth.oauth.provider": "name:char client_id:char enabled:boolean body:char scope:char auth_endpoint:char validation_endpoint:char data_endpoint:char css_class:char sequence:integer",
		"ir.config_parameter": "key:char value:text",
		"res.users.log":       "create_uid:many2one",
		"auth.passkey.key":    "name:char create_uid:many2one",
		"res.country":         "name:char code:char",
	} {
		d.models[name] = &model{fields: map[string]string{}, rows: map[int64]Record{}}
		for _, field := range strings.Fields(fields + " id:integer create_date:datetime write_date:datetime") {
			n, kind, _ := strings.Cut(field, ":")
			d.models[name].fields[n] = kind
		}
	}
	users := d.models["res.users"].fields
	if d.Series < 19 {
		users["mobile"], d.models["res.partner"].fields["mobile"] = "char", "char"
		users["oauth_access_token"] = "char"
	}
	users["oauth_provider_id"], users["oauth_uid"] = "many2one", "char"
	users["country_id"], d.models["res.partner"].fields["country_id"] = "many2one", "many2one"
	if d.Series >= 19 {
		users["all_group_ids"] = "many2many"
		d.models["res.groups"].fields["lock_timeout_inactivity"] = "integer" // of auth_timeout
	}
	if d.Series >= 18 {
		d.models["res.users.apikeys"].fields["expiration_date"] = "datetime"
	}
	if d.Website {
		d.models["website"] = &model{rows: map[int64]Record{}, fields: map[string]string{
			"id": "integer", "name": "char", "domain": "char", "auth_signup_uninvited": "selection", "custom_code_head": "html",
			"create_date": "datetime", "write_date": "datetime",
		}}
	}
}

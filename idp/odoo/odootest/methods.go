package odootest

import (
	"fmt"
	"slices"
	"strings"
)

// refusal is an error of Odoo's.
type refusal struct {
	class, says string
	code        int // of an XML-RPC fault
}

func (r refusal) Error() string { return r.says }

func accessError(format string, args ...any) error {
	return refusal{"odoo.exceptions.AccessError", fmt.Sprintf(format, args...), 4}
}

func valueError(format string, args ...any) error {
	return refusal{"builtins.ValueError", fmt.Sprintf(format, args...), 1}
}

func userError(format string, args ...any) error {
	return refusal{"odoo.exceptions.ValidationError", fmt.Sprintf(format, args...), 2}
}

// none is Python's None.
type none struct{}

// names are the parameters of methods, by their places, and whether a method
// is one of the model itself.
var names = map[string]struct {
	model  bool
	params []string
}{
	"search_read": {true, []string{"domain", "fields", "offset", "limit", "order"}}, "search": {true, []string{"domain", "offset", "limit", "order"}},
	"search_count": {true, []string{"domain", "limit"}}, "read": {false, []string{"fields", "load"}}, "create": {true, []string{"vals_list"}},
	"write": {false, []string{"vals"}}, "unlink": {false, nil}, "fields_get": {true, []string{"allfields", "attributes"}}, "context_get": {true, nil},
	"get_param": {true, []string{"key", "default"}}, "set_param": {true, []string{"key", "value"}}, "button_immediate_install": {false, nil},
	"remove_oauth_access_token": {false, nil}, "action_reset_password": {false, nil}, "load": {true, []string{"fields", "data"}},
}

// run runs a method as a user; mu is held.
func (f *Odoo) run(uid int64, model, method string, ids []int64, args map[string]any) (any, error) {
	m, ok := f.models[model]
	if !ok || f.NoOAuth && model == "auth.oauth.provider" {
		return nil, refusal{"missing", fmt.Sprintf("Object %s doesn't exist", model), 2}
	}
	if strings.HasPrefix(method, "_") {
		return nil, accessError("Private methods (such as %s) cannot be called remotely.", method)
	}
	if _, ok := names[method]; !ok || method == "remove_oauth_access_token" && f.Series < 19 {
		return nil, refusal{"builtins.AttributeError", fmt.Sprintf("AttributeError: The method '%s' does not exist on the model '%s'", method, model), 1}
	}
	groups, _ := f.models["res.users"].rows[uid][f.groupsField()].([]int64)
	if admin := slices.Contains(groups, f.group("group_system")); !admin && model != "res.users" {
		return nil, accessError("You are not allowed to access '%s' records.", model)
	}
	return f.common(uid, m, model, method, ids, args)
}

// common are the methods that every model has.
func (f *Odoo) common(uid int64, m *model, model, method string, ids []int64, args map[string]any) (any, error) {
	lang, err := f.foreign(args)
	if err != nil {
		return nil, err
	}
	switch method {
	case "search_read", "search", "search_count":
		out, err := f.search(model, method, args)
		return m.in(lang, out), err
	case "read":
		out, err := f.read(m, model, ids, texts(args["fields"]))
		return m.in(lang, out), err
	case "create":
		return f.create(model, args)
	case "write":
		values, _ := args["vals"].(map[string]any)
		return true, f.write(model, ids, m.apart(lang, ids, values))
	case "unlink":
		for _, id := range ids {
			delete(m.rows, id)
		}
		return true, nil
	case "load":
		return f.load(model, texts(args["fields"]), args["data"]), nil
	case "fields_get":
		out := map[string]any{}
		for field, kind := range m.fields {
			out[field] = map[string]any{"type": kind}
		}
		return out, nil
	}
	return f.special(uid, method, ids, args)
}

func (f *Odoo) special(uid int64, method string, ids []int64, args map[string]any) (any, error) {
	switch method {
	case "context_get":
		return map[string]any{"uid": uid, "lang": "en_US", "tz": false}, nil
	case "get_param":
		if v, ok := f.params[fmt.Sprint(args["key"])]; ok {
			return v, nil
		}
		return false, nil
	case "set_param":
		key := fmt.Sprint(args["key"])
		old := f.params[key]
		if v, ok := args["value"].(string); ok && v != "" {
			f.params[key] = v
		} else {
			delete(f.params, key)
		}
		return old, nil
	case "button_immediate_install":
		for _, id := range ids {
			r := f.models["ir.module.module"].rows[id]
			r["state"] = "installed"
			if r["name"] == "auth_oauth" && f.NoOAuth {
				f.NoOAuth = false
				f.installOAuth()
			}
		}
		return map[string]any{"type": "ir.actions.act_url"}, nil
	case "remove_oauth_access_token":
		for _, id := range ids {
			f.models["res.users"].rows[id]["oauth_access_token"] = false
		}
		return none{}, nil
	default: // action_reset_password
		for _, id := range ids {
			f.mails = append(f.mails, fmt.Sprint(f.models["res.users"].rows[id]["login"]))
		}
		return true, nil
	}
}

func (f *Odoo) search(model, method string, args map[string]any) (any, error) {
	found, err := f.find(model, args)
	if err != nil {
		return nil, refusal{"builtins.ValueError", err.Error(), 1}
	}
	switch method {
	case "search_count":
		return int64(len(found)), nil
	case "search":
		ids := []any{}
		for _, r := range found {
			ids = append(ids, r["id"])
		}
		return ids, nil
	}
	fields := texts(args["fields"])
	if err := f.known(model, fields); err != nil {
		return nil, err
	}
	out := []any{}
	for _, r := range found {
		out = append(out, f.shown(model, r, fields))
	}
	return out, nil
}

func (f *Odoo) known(model string, fields []string) error {
	for _, field := range fields {
		if field == "totp_secret" {
			return accessError("You do not have enough rights to access the fields \"totp_secret\" on User (res.users).")
		}
		if f.models[model].fields[field] == "" {
			return valueError("ValueError: Invalid field '%s' on model '%s'", field, model)
		}
	}
	return nil
}

func (f *Odoo) read(m *model, name string, ids []int64, fields []string) (any, error) {
	if err := f.known(name, fields); err != nil {
		return nil, err
	}
	out := []any{}
	for _, id := range ids {
		r, ok := m.rows[id]
		if !ok {
			return nil, refusal{"odoo.exceptions.MissingError", "Record does not exist or has been deleted.", 2}
		}
		out = append(out, f.shown(name, r, fields))
	}
	return out, nil
}

func texts(v any) (out []string) {
	l, _ := v.([]any)
	for _, e := range l {
		out = append(out, fmt.Sprint(e))
	}
	return out
}

func (f *Odoo) create(model string, args map[string]any) (any, error) {
	list, many := args["vals_list"].([]any)
	if !many {
		list = []any{args["vals_list"]}
	}
	in, _ := args["context"].(map[string]any)
	ids := []any{}
	for _, v := range list {
		values, _ := v.(map[string]any)
		if err := f.check(model, 0, values); err != nil {
			return nil, err
		}
		id := f.insert(model, values)
		if model == "res.users" && in["no_reset_password"] != true {
			f.mails = append(f.mails, fmt.Sprint(values["login"]))
		}
		ids = append(ids, id)
	}
	if !many {
		return ids[0], nil
	}
	return ids, nil
}

func (f *Odoo) write(model string, ids []int64, values map[string]any) error {
	for _, id := range ids {
		if f.models[model].rows[id] == nil {
			return refusal{"odoo.exceptions.MissingError", "Record does not exist or has been deleted.", 2}
		}
		if err := f.check(model, id, values); err != nil {
			return err
		}
		f.update(model, id, values)
	}
	return nil
}

// check holds records to Odoo's constraints.
func (f *Odoo) check(model string, id int64, values map[string]any) error {
	for field := range values {
		if field == "totp_secret" || field == "oauth_access_token" && f.Series >= 19 {
			return accessError("You do not have enough rights to access the field \"%s\" on User (res.users).", field)
		}
		if f.models[model].fields[field] == "" {
			return valueError("ValueError: Invalid field '%s' on model '%s'", field, model)
		}
	}
	if model != "res.users" {
		return nil
	}
	return f.alone(id, values)
}

// alone holds a user's names to those of the others.
func (f *Odoo) alone(id int64, values map[string]any) error {
	const model = "res.users"
	next := Record{"login": false, "oauth_uid": false, "oauth_provider_id": false}
	for k := range next {
		if old, ok := f.models[model].rows[id]; ok {
			next[k] = old[k]
		}
		if v, ok := values[k]; ok {
			next[k] = v
		}
	}
	for _, r := range f.models[model].rows {
		switch {
		case r["id"] == id:
		case same(r["login"], next["login"]):
			return userError("You can not have two users with the same login!")
		case !same(next["oauth_uid"], false) && same(r["oauth_uid"], next["oauth_uid"]) && same(r["oauth_provider_id"], next["oauth_provider_id"]):
			return userError("OAuth UID must be unique per provider")
		}
	}
	return nil
}

// authenticate is the uid of a login with a password or key; 0: refused. mu is
// held.
func (f *Odoo) authenticate(login, password string) int64 {
	for _, r := range f.models["res.users"].rows {
		if r["login"] != login || r["active"] != true {
			continue
		}
		id, _ := number(r["id"])
		if id == Admin && password == f.Key || password != "" && r["totp_enabled"] != true && r["password"] == password {
			return id
		}
		if f.Series < 18 && password != "" && r["oauth_access_token"] == password { // ODOO.md §2
			return id
		}
	}
	return 0
}

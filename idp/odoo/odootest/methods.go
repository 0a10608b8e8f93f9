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

// objects are the methods that programs may call, by either protocol. The mutex
// of the records is held by whoever calls one.
type objects struct {
	db    *records
	calls []Call
	mails []string
}

// heard writes down that a call came in.
func (o *objects) heard(protocol, model, method string) {
	o.calls = append(o.calls, Call{protocol, model, method})
}

// run runs a method as a user.
func (o *objects) run(uid int64, model, method string, ids []int64, args map[string]any) (any, error) {
	m, ok := o.db.models[model]
	if !ok || o.db.NoOAuth && model == "auth.oauth.provider" {
		return nil, refusal{"missing", fmt.Sprintf("Object %s doesn't exist", model), 2}
	}
	if strings.HasPrefix(method, "_") {
		return nil, accessError("Private methods (such as %s) cannot be called remotely.", method)
	}
	if _, ok := names[method]; !ok || method == "remove_oauth_access_token" && o.db.Series < 19 {
		return nil, refusal{"builtins.AttributeError", fmt.Sprintf("AttributeError: The method '%s' does not exist on the model '%s'", method, model), 1}
	}
	groups, _ := o.db.models["res.users"].rows[uid][o.db.groupsField()].([]int64)
	if admin := slices.Contains(groups, o.db.group("group_system")); !admin && model != "res.users" {
		return nil, accessError("You are not allowed to access '%s' records.", model)
	}
	return o.common(uid, m, model, method, ids, args)
}

// common are the methods that every model has.
func (o *objects) common(uid int64, m *model, model, method string, ids []int64, args map[string]any) (any, error) {
	lang, err := o.foreign(args)
	if err != nil {
		return nil, err
	}
	switch method {
	case "search_read", "search", "search_count":
		out, err := o.search(model, method, args)
		return m.in(lang, out), err
	case "read":
		out, err := o.read(m, model, ids, texts(args["fields"]))
		return m.in(lang, out), err
	case "create":
		return o.create(model, args)
	case "write":
		values, _ := args["vals"].(map[string]any)
		return true, o.write(model, ids, m.apart(lang, ids, values))
	case "unlink":
		for _, id := range ids {
			delete(m.rows, id)
		}
		return true, nil
	case "load":
		return o.load(model, texts(args["fields"]), args["data"]), nil
	case "fields_get":
		out := map[string]any{}
		for field, kind := range m.fields {
			out[field] = map[string]any{"type": kind}
		}
		return out, nil
	}
	return o.special(uid, method, ids, args)
}

func (o *objects) special(uid int64, method string, ids []int64, args map[string]any) (any, error) {
	switch method {
	case "context_get":
		return map[string]any{"uid": uid, "lang": "en_US", "tz": false}, nil
	case "get_param":
		if v, ok := o.db.params[fmt.Sprint(args["key"])]; ok {
			return v, nil
		}
		return false, nil
	case "set_param":
		key := fmt.Sprint(args["key"])
		old := o.db.params[key]
		if v, ok := args["value"].(string); ok && v != "" {
			o.db.params[key] = v
		} else {
			delete(o.db.params, key)
		}
		return old, nil
	case "button_immediate_install":
		for _, id := range ids {
			r := o.db.models["ir.module.module"].rows[id]
			r["state"] = "installed"
			if r["name"] == "auth_oauth" && o.db.NoOAuth {
				o.db.NoOAuth = false
				o.db.installOAuth()
			}
		}
		return map[string]any{"type": "ir.actions.act_url"}, nil
	case "remove_oauth_access_token":
		for _, id := range ids {
			o.db.models["res.users"].rows[id]["oauth_access_token"] = false
		}
		return none{}, nil
	default: // action_reset_password
		for _, id := range ids {
			o.mails = append(o.mails, fmt.Sprint(o.db.models["res.users"].rows[id]["login"]))
		}
		return true, nil
	}
}

func (o *objects) search(model, method string, args map[string]any) (any, error) {
	found, err := search{o.db, model}.find(args)
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
	if err := o.db.known(model, fields); err != nil {
		return nil, err
	}
	out := []any{}
	for _, r := range found {
		out = append(out, o.db.shown(model, r, fields))
	}
	return out, nil
}

func (o *objects) read(m *model, name string, ids []int64, fields []string) (any, error) {
	if err := o.db.known(name, fields); err != nil {
		return nil, err
	}
	out := []any{}
	for _, id := range ids {
		r, ok := m.rows[id]
		if !ok {
			return nil, refusal{"odoo.exceptions.MissingError", "Record does not exist or has been deleted.", 2}
		}
		out = append(out, o.db.shown(name, r, fields))
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

func (o *objects) create(model string, args map[string]any) (any, error) {
	list, many := args["vals_list"].([]any)
	if !many {
		list = []any{args["vals_list"]}
	}
	in, _ := args["context"].(map[string]any)
	ids := []any{}
	for _, v := range list {
		values, _ := v.(map[string]any)
		if err := o.db.check(model, 0, values); err != nil {
			return nil, err
		}
		id := o.db.insert(model, values)
		if model == "res.users" && in["no_reset_password"] != true {
			o.mails = append(o.mails, fmt.Sprint(values["login"]))
		}
		ids = append(ids, id)
	}
	if !many {
		return ids[0], nil
	}
	return ids, nil
}

func (o *objects) write(model string, ids []int64, values map[string]any) error {
	for _, id := range ids {
		if o.db.models[model].rows[id] == nil {
			return refusal{"odoo.exceptions.MissingError", "Record does not exist or has been deleted.", 2}
		}
		if err := o.db.check(model, id, values); err != nil {
			return err
		}
		o.db.update(model, id, values)
	}
	return nil
}

// authenticate is the uid of a login with a password or key; 0: refused.
func (o *objects) authenticate(login, password string) int64 {
	for _, r := range o.db.models["res.users"].rows {
		if r["login"] != login || r["active"] != true {
			continue
		}
		id, _ := number(r["id"])
		if id == Admin && password == o.db.Key || password != "" && r["totp_enabled"] != true && r["password"] == password {
			return id
		}
		if o.db.Series < 18 && password != "" && r["oauth_access_token"] == password { // ODOO.md §2
			return id
		}
	}
	return 0
}

package odootest

func (d *records) known(model string, fields []string) error {
	for _, field := range fields {
		if field == "totp_secret" {
			return accessError("You do not have enough rights to access the fields \"totp_secret\" on User (res.users).")
		}
		if d.models[model].fields[field] == "" {
			return valueError("ValueError: Invalid field '%s' on model '%s'", field, model)
		}
	}
	return nil
}

// check holds records to Odoo's constraints.
func (d *records) check(model string, id int64, values map[string]any) error {
	for field := range values {
		if field == "totp_secret" || field == "oauth_access_token" && d.Series >= 19 {
			return accessError("You do not have enough rights to access the field \"%s\" on User (res.users).", field)
		}
		if d.models[model].fields[field] == "" {
			return valueError("ValueError: Invalid field '%s' on model '%s'", field, model)
		}
	}
	if model != "res.users" {
		return nil
	}
	return d.alone(id, values)
}

// alone holds a user's names to those of the others.
func (d *records) alone(id int64, values map[string]any) error {
	const model = "res.users"
	next := Record{"login": false, "oauth_uid": false, "oauth_provider_id": false}
	for k := range next {
		if old, ok := d.models[model].rows[id]; ok {
			next[k] = old[k]
		}
		if v, ok := values[k]; ok {
			next[k] = v
		}
	}
	for _, r := range d.models[model].rows {
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

package odootest

import "maps"

// translated are fields that Odoo keeps in each language: beside "body" a
// record has "body fr_FR" when somebody wrote that.
var translated = []string{"body"}

// foreign is the language of a call, if it is another than that of the source.
func (o *objects) foreign(args map[string]any) (string, error) {
	in, _ := args["context"].(map[string]any)
	lang, _ := in["lang"].(string)
	if lang == "" || lang == "en_US" {
		return "", nil
	}
	for _, l := range o.db.models["res.lang"].rows {
		if l["code"] == lang && l["active"] == true {
			return lang, nil
		}
	}
	return "", userError("Invalid language code: %s", lang)
}

// in gives records out in a language, where they have words in it.
func (m *model) in(lang string, out any) any {
	rows, ok := out.([]any)
	if !ok || lang == "" {
		return out
	}
	for _, r := range rows {
		r, ok := r.(Record)
		if !ok {
			continue
		}
		id, _ := number(r["id"])
		for _, field := range translated {
			if words, ok := m.rows[id][field+" "+lang]; ok && r[field] != nil {
				r[field] = words
			}
		}
	}
	return rows
}

// apart writes what is in a language beside the source, and returns the rest.
func (m *model) apart(lang string, ids []int64, values map[string]any) map[string]any {
	rest := maps.Clone(values)
	for _, field := range translated {
		words, ok := values[field]
		if !ok || lang == "" {
			continue
		}
		for _, id := range ids {
			if r := m.rows[id]; r != nil {
				r[field+" "+lang] = words
			}
		}
		delete(rest, field)
	}
	return rest
}

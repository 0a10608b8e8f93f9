package odootest

import (
	"fmt"
	"strconv"
	"strings"
)

// load changes many records by rows of texts, as Odoo's import of files does:
// all of them, or none and a list of what is wrong. Columns are fields, ".id" for
// the record itself and "field/.id" for a reference.
func (o *objects) load(name string, fields []string, data any) map[string]any {
	rows, _ := data.([]any)
	ids, wrong := []any{}, []any{}
	var all []Record
	for i, row := range rows {
		id, values := int64(0), Record{}
		for n, cell := range texts(row) {
			switch field, ref := strings.CutSuffix(fields[n], "/.id"); {
			case fields[n] == ".id":
				id, _ = strconv.ParseInt(cell, 10, 64)
			case ref:
				values[field], _ = strconv.ParseInt(cell, 10, 64)
			default:
				values[field] = cell
			}
		}
		err := o.db.check(name, id, values)
		if o.db.models[name].rows[id] == nil {
			err = fmt.Errorf("no matching record found for database id '%d' in field '.id'", id)
		}
		if err != nil {
			wrong = append(wrong, map[string]any{"type": "error", "record": int64(i), "message": err.Error()})
			continue
		}
		ids, all = append(ids, id), append(all, values)
	}
	if len(wrong) > 0 {
		return map[string]any{"ids": false, "messages": wrong, "nextrow": int64(0)}
	}
	for i, id := range ids {
		o.db.update(name, id.(int64), all[i])
	}
	return map[string]any{"ids": ids, "messages": []any{}, "nextrow": int64(0)}
}

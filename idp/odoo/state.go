package odoo

import "encoding/json"

// Invited reports whether somebody follows a mail of Odoo's: an invitation, or a
// way to a new password. Odoo then knows them by the token in its state, whoever
// they are here (ODOO.md §1.1, §5). State is Odoo's own and unsigned: it decides
// nothing but which page is shown.
func Invited(state string) bool {
	var s struct{ T string }
	return json.Unmarshal([]byte(state), &s) == nil && s.T != ""
}

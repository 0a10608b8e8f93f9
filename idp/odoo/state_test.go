package odoo_test

import (
	"testing"

	"latchkey/idp/odoo"
)

// Who follows Odoo's own mail is known there by its token.
func TestInvited(t *testing.T) {
	for state, want := range map[string]bool{
		`{"d": "erp", "p": 4, "r": "http%3A%2F%2Ferp%2Fmy", "t": "abc"}`: true, `{"d": "erp", "p": 4, "r": "x"}`: false, `{"t": ""}`: false, `{"t": 4}`: false, "": false, "[]": false,
	} {
		if odoo.Invited(state) != want {
			t.Errorf("%s", state)
		}
	}
}

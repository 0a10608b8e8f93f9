package odoo

import "testing"

// D-06: an address that begins like another one is shown as what it is.
func TestPlainAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://shop.example.com@example.net": "https://example.net", "https://shop.example.com:443@example.net:8069/x": "https://example.net:8069/x",
		"https://shop.example.com": "https://shop.example.com", "https://%zz": "https://%zz",
	} {
		if got := plainAddress(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

package message

import "latchkey/ui/locale"

// inOdoo are the texts that people read in a connected Odoo.
var inOdoo = map[string]string{"button": "odoo.button", "tile": "odoo.tile", "tile_text": "odoo.tile_text"}

// InOdoo is a text for a connected Odoo, in a language such as "fr"; one that
// there is none of gets English.
func InOdoo(lang, what string, args ...any) string {
	p, _ := locale.Find(lang)
	return p.T(inOdoo[what], args...)
}

package page

import "latchkey/ui/locale"

// Scopes says in words what an application asks for, or has been allowed. A scope
// without words of its own is shown by name: nothing is granted unseen.
func Scopes(words locale.Printer, asked []string) []string {
	var out []string
	for _, s := range asked {
		if key := "scope." + s; words.Has(key) {
			out = append(out, words.T(key))
		} else {
			out = append(out, words.T("consent.scope", s))
		}
	}
	return out
}

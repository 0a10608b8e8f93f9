package password

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// prepare brings a password to the form that is hashed: the OpaqueString
// profile (RFC 8265 §4.2) with NFC and plain spaces, no case mapping, nothing
// cut. The profile refuses code points that its tables do not know, among them
// joiners and variation selectors of emoji; those get the same mappings
// without its check, since any text makes a password. Only control characters
// and broken UTF-8 are refused: one layer or another would change them.
func prepare(plain string) (string, error) {
	switch {
	case plain == "":
		return "", ErrEmpty
	case !utf8.ValidString(plain) || strings.ContainsFunc(plain, unicode.IsControl):
		return "", ErrText
	}
	if p, err := precis.OpaqueString.String(plain); err == nil {
		return p, nil
	}
	spaces := func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}
	return norm.NFC.String(strings.Map(spaces, plain)), nil
}

// forms lists the spellings of a typed password that a hash may have been made
// of, the likeliest first: ours of the prepared one, others usually of the
// bytes as they came.
func forms(plain string, foreign bool) []string {
	prepared, err := prepare(plain)
	switch {
	case err != nil || prepared == plain:
		return []string{plain}
	case foreign:
		return []string{plain, prepared}
	default:
		return []string{prepared, plain}
	}
}

package idp

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// MaxIdentifier is the longest login or e-mail address, in bytes (RFC 5321
// §4.5.3.1 allows an address no more than 254).
const MaxIdentifier = 254

// Canonical is the one form in which logins and e-mail addresses are stored
// and looked up: NFKC, case folded, trimmed (RFC 8265 §3.3; A-13). Two names
// that fold to the same form are the same name.
func Canonical(name string) string {
	name = norm.NFKC.String(strings.TrimSpace(name))
	return norm.NFKC.String(cases.Fold().String(name))
}

// Identify checks a login or an e-mail address and returns its stored forms,
// or ErrInvalid with the reason.
func Identify(name string) (Identifier, error) {
	c := Canonical(name)
	switch {
	case c == "":
		return Identifier{}, fmt.Errorf("%w: it is empty", ErrInvalid)
	case len(c) > MaxIdentifier:
		return Identifier{}, fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrInvalid, len(c), MaxIdentifier)
	case !utf8.ValidString(name):
		return Identifier{}, fmt.Errorf("%w: it is not UTF-8", ErrInvalid)
	}
	for _, r := range c {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || r == utf8.RuneError {
			return Identifier{}, fmt.Errorf("%w: it holds the invisible character %U", ErrInvalid, r)
		}
	}
	for _, label := range strings.FieldsFunc(c, func(r rune) bool { return r == '@' || r == '.' }) {
		if mixed(label) {
			return Identifier{}, fmt.Errorf("%w: %q mixes letters of scripts that look alike", ErrInvalid, label)
		}
	}
	return Identifier{Canonical: c, Skeleton: skeleton(c)}, nil
}

// IsDomain reports whether a text is a domain of at least two labels, in small
// ASCII letters: no address of a machine, and no localhost.
func IsDomain(s string) bool {
	const digits = "0123456789"
	labels := strings.Split(s, ".")
	return len(s) <= MaxIdentifier && len(labels) > 1 && strings.Trim(labels[len(labels)-1], digits) != "" && !slices.ContainsFunc(labels, func(l string) bool {
		return l == "" || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz-"+digits) != "" || strings.Trim(l, "-") != l
	})
}

// Unfolded reports whether an e-mail address in small letters is compared as it
// is mailed to: straße.example folds into strasse.example, which is another's, and
// whoever proves the one would pass for the other (SECURITY.md A-13, E-09).
func Unfolded(address string) bool {
	_, domain, _ := strings.Cut(address, "@")
	return Canonical(address) == address && !strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII })
}

// PlainAddress reports whether a stranger may name an address: Unfolded, at a
// domain of the Internet, and without what mail servers read as a way to another
// one (RFC 2821 appendix F.2 warns of it: a%example.net@example.org).
func PlainAddress(address string) bool {
	local, domain, ok := strings.Cut(address, "@")
	return ok && local != "" && IsDomain(domain) && Unfolded(address) && !strings.ContainsFunc(local, func(r rune) bool {
		return strings.ContainsRune(`%!"@(),:;<>[\] `, r) || !unicode.IsPrint(r)
	})
}

// lookalikes maps letters of other scripts to the Latin letters for which they
// are taken (the lower-case part of Unicode TR 39's confusables that crosses
// scripts). Latin letters that resemble each other (l and 1, rn and m) are left
// alone: customers really are called both.
var lookalikes = func() map[rune]rune {
	out := map[rune]rune{}
	for latin, others := range map[rune]string{
		'a': "аαɑ", 'b': "ьƅ", 'c': "сϲ", 'd': "ԁ", 'e': "еҽ", 'g': "ɡց", 'h': "һհ", 'i': "іıιї", 'j': "јϳ", 'k': "кκ", 'l': "ӏ",
		'n': "ոп", 'o': "оοօσ", 'p': "рρ", 'q': "ԛզ", 'r': "г", 's': "ѕ", 't': "тτ", 'u': "սυ", 'v': "νѵ", 'w': "ԝшω", 'x': "хχ", 'y': "уγү", 'z': "ᴢ",
		'm': "м", 'f': "ք",
	} {
		for _, r := range others {
			out[r] = latin
		}
	}
	return out
}()

// skeleton is what a canonical name looks like: names with the same skeleton
// cannot be told apart on a page.
func skeleton(canonical string) string {
	return strings.Map(func(r rune) rune {
		if latin, ok := lookalikes[r]; ok {
			return latin
		}
		return r
	}, canonical)
}

// mixed reports whether a label has letters of two of the scripts that share
// letter shapes. Whole labels in one script are fine: иван@example.org.
func mixed(label string) bool {
	seen := 0
	for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee} {
		if strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(script, r) }) {
			seen++
		}
	}
	return seen > 1
}

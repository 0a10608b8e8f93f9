package idp

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Looks is what a name looks like at a glance, for names that a stranger chooses
// and a person reads: two of which it is the same could be taken for each other. It
// is stricter than the skeleton of an [Identifier], for it costs a stranger
// no more than another name: accents, spaces and punctuation are left out, and
// Latin letters that resemble each other are one, too. Empty: there is no letter and
// no digit in the name.
func Looks(name string) string {
	seen := skeleton(Canonical(norm.NFKD.String(name)))
	seen = strings.Map(func(r rune) rune {
		if latin, ok := alike[r]; ok {
			return latin
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || Unseen(r) {
			return -1
		}
		return r
	}, norm.NFD.String(seen))
	return strings.NewReplacer("rn", "m", "vv", "w").Replace(seen)
}

// alike maps characters to the Latin letters for which they are taken, beyond
// lookalikes. A capital I was folded to i, and looks like l.
var alike = func() map[rune]rune {
	out := map[rune]rune{'i': 'l', '1': 'l', '|': 'l', '!': 'l', 'ł': 'l', '0': 'o', 'ø': 'o', '5': 's', '$': 's', 'đ': 'd', 'ħ': 'h'}
	small, latin := []rune("ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏ"), []rune("abcdeghljklmnoprstuvwy")
	for i, r := range small {
		out[r] = latin[i]
	}
	return out
}()

// Unseen reports whether a character cannot be seen, or changes how others are
// shown: with it a name could look like another's. A plain space is seen.
func Unseen(r rune) bool {
	const blankBraille = '\u2800'
	return unicode.IsControl(r) || r == unicode.ReplacementChar || r == blankBraille || unicode.Is(unicode.Zs, r) && r != ' ' ||
		unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp, unicode.Cf, unicode.Co, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

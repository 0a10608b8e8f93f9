package signin

import (
	"strings"

	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/ui/page"
)

const (
	usualDigits  = 6
	mostDigits   = 8  // of an app that was set up elsewhere
	backupLength = 10 // letters and digits of a backup code
)

// shaped reports whether a text may be a code of the method. It is generous:
// the factor judges, and this only tells a slip from a wrong code. Digits is
// how many the app shows; 0: several apps, which differ.
func shaped(k mfa.Kind, typed string, digits int) bool {
	code := strings.Map(separators, typed)
	if k == backup.Kind {
		return len(code) == backupLength && strings.IndexFunc(code, strange) < 0
	}
	if strings.Trim(code, "0123456789") != "" {
		return false
	}
	if digits == 0 {
		return usualDigits <= len(code) && len(code) <= mostDigits
	}
	return len(code) == digits
}

// separators drops what people and apps put between the groups of a code.
func separators(r rune) rune {
	switch r {
	case ' ', '-', '\u00a0':
		return -1
	}
	return r
}

func strange(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
}

// shapeOf says what a code of the method looks like.
func shapeOf(c *page.Context, k mfa.Kind, digits int) *complaint {
	title := c.Words.T("factor.totp.shape_any")
	switch {
	case k == backup.Kind:
		title = c.Words.N("factor.backup.shape", backupLength)
	case digits > 0:
		title = c.Words.N("factor.totp.shape", digits)
	}
	return &complaint{title, c.Words.T("factor.shape_text")}
}

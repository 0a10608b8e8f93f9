package signin

import (
	"strings"

	"latchkey/mfa"
	"latchkey/ui/page"
)

const (
	usualDigits = 6
	mostDigits  = 8  // of an app that was set up elsewhere
	wordLength  = 10 // letters and digits of a backup or temporary code
)

// shaped reports whether a text may be the code that a prompt asks for. It is
// generous: the factor judges, and this only tells a slip from a wrong code.
func shaped(p mfa.Prompt, typed string) bool {
	code := strings.Map(separators, typed)
	switch p.Shape {
	case mfa.ShapeWord:
		return len(code) == wordLength && strings.IndexFunc(code, strange) < 0
	case mfa.ShapeCode, mfa.ShapeScan:
	default:
		return true
	}
	if strings.Trim(code, "0123456789") != "" {
		return false
	}
	if p.Digits == 0 { // several apps, which differ
		return usualDigits <= len(code) && len(code) <= mostDigits
	}
	return len(code) == p.Digits
}

// usual is what the prompt of a method nearly always is.
func usual(k mfa.Kind) mfa.Prompt {
	if k == "backup" || k == "temporary" {
		return mfa.Prompt{Shape: mfa.ShapeWord}
	}
	return mfa.Prompt{Shape: mfa.ShapeCode, Digits: usualDigits}
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

// shapeOf says what the code that a prompt asks for looks like.
func shapeOf(c *page.Context, p mfa.Prompt) *complaint {
	title := c.Words.T("factor.totp.shape_any")
	switch {
	case p.Shape == mfa.ShapeWord:
		title = c.Words.N("factor.backup.shape", wordLength)
	case p.Digits > 0:
		title = c.Words.N("factor.totp.shape", p.Digits)
	}
	return &complaint{title, c.Words.T("factor.shape_text")}
}

package page

import (
	"errors"

	"latchkey/idp/password"
	"latchkey/ui/locale"
)

// PasswordProblem says why a new password was refused and what would do, for an
// error of [password.Acceptable].
func PasswordProblem(words locale.Printer, err error) (title, text string) {
	short := (*password.ShortError)(nil)
	switch {
	case errors.As(err, &short):
		return words.N("password.short_title", short.Least), words.T("password.short")
	case errors.Is(err, password.ErrLong):
		return words.N("password.long_title", password.MaxLength), words.T("password.long")
	case errors.Is(err, password.ErrCommon):
		return words.T("password.common_title"), words.T("password.common")
	case errors.Is(err, password.ErrGuessable):
		return words.T("password.guessable_title"), words.T("password.guessable")
	}
	return words.T("password.refused_title"), words.T("password.common")
}

package password

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// product is a context word by itself (ASVS 6.2.11).
const product = "latchkey"

// floor is how much of a password must be left when what everybody guesses is
// taken away, in code points.
const floor = 8

// Acceptable fails with idp.ErrInvalid unless plain is good enough for a new
// password: at least so many code points, at most [MaxLength], neither common nor
// made of what everybody would guess. Context words are the company's and the
// person's names, e-mail and login; they may be whole phrases. There are no
// rules about kinds of characters (NIST SP 800-63B-4 §3.1.1.2).
func Acceptable(plain string, least int, context ...string) error {
	if err := short(plain); err != nil {
		return err
	}
	prepared, err := prepare(plain)
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(prepared) < least {
		return &ShortError{least}
	}
	folded := strings.ToLower(prepared)
	if common(folded) || monotonous(folded) {
		return ErrCommon
	}
	if left := utf8.RuneCountInString(surprise(folded, context)); left < floor && left < utf8.RuneCountInString(folded) {
		return ErrGuessable
	}
	return nil
}

// ShortError says how long a password must be. It is an [ErrShort].
type ShortError struct{ Least int }

func (e *ShortError) Error() string {
	return fmt.Sprintf("%v: at least %d characters", ErrShort, e.Least)
}

func (e *ShortError) Unwrap() error { return ErrShort }

// surprise is what is left of a password without its predictable parts:
// context words anywhere, and a common password that only got digits or signs
// around it ("Password2024!").
func surprise(folded string, context []string) string {
	letters := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	if letters != "" && common(letters) {
		folded = strings.Replace(folded, letters, "", 1)
	}
	for _, w := range contextWords(context) {
		folded = strings.ReplaceAll(folded, w, "")
	}
	return folded
}

// contextWords splits phrases and addresses into words, longest first, so that
// a short one does not break a long one up. Words of less than three letters
// are in everything.
func contextWords(context []string) []string {
	words := []string{product}
	for _, c := range context {
		for _, w := range strings.FieldsFunc(strings.ToLower(norm.NFC.String(c)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(w) >= 3 {
				words = append(words, w)
			}
		}
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}

// monotonous reports whether a password only counts up or down, or repeats one
// short piece or a common password.
func monotonous(folded string) bool {
	rs := []rune(folded)
	up, down := true, true
	for i := 1; i < len(rs); i++ {
		up = up && rs[i] == rs[i-1]+1
		down = down && rs[i] == rs[i-1]-1
	}
	if up || down {
		return true
	}
	for n := 1; n <= len(rs)/2; n++ {
		if len(rs)%n == 0 && strings.Repeat(string(rs[:n]), len(rs)/n) == folded {
			return n <= 4 || common(string(rs[:n]))
		}
	}
	return false
}

//go:embed common.txt
var commonText string

// common searches the list, which is sorted by bytes. Lines starting with # are
// its licence, at the head of the file. The search runs over the text itself,
// so the list costs no memory.
func common(folded string) bool {
	if strings.HasPrefix(folded, "#") || strings.Contains(folded, "\n") {
		return false
	}
	lo, hi := 0, len(commonText) // lo is always the start of a line
	for lo < hi {
		mid := lo + (hi-lo)/2
		start := lo + strings.LastIndexByte(commonText[lo:mid], '\n') + 1
		end := len(commonText)
		if i := strings.IndexByte(commonText[start:], '\n'); i >= 0 {
			end = start + i
		}
		switch line := commonText[start:end]; {
		case line == folded:
			return true
		case strings.HasPrefix(line, "#") || line < folded:
			lo = min(end+1, hi)
		default:
			hi = start
		}
	}
	return false
}

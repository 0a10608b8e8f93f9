// Package sheet keeps cells of tables from being run: whoever exports what
// others have typed writes it through here (SECURITY.md D-11, ASVS 1.2.10, OWASP
// "CSV Injection").
package sheet

import (
	"strings"
	"unicode"
)

// starts are the first characters by which a spreadsheet takes a text for a
// formula; blanks before one do not help.
const starts = "=+-@\t\r\n"

// Cell makes a text safe in a cell: what would be read as a formula gets an
// apostrophe in front, and characters that terminals obey are replaced.
func Cell(text string) string {
	formula := text != "" && strings.ContainsRune(starts, rune(text[0]))
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Bidi_Control, r) {
			return '\uFFFD'
		}
		return r
	}, text)
	if formula {
		return "'" + text
	}
	return text
}

// Cells is Cell for a row, in place.
func Cells(row []string) []string {
	for i, c := range row {
		row[i] = Cell(c)
	}
	return row
}

// Text is the value of a cell that somebody guarded: without the apostrophe.
func Text(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && rest != "" && strings.ContainsRune("=+-@", rune(rest[0])) {
		return rest
	}
	return cell
}

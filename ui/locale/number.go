package locale

import (
	"strconv"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Number is a whole number with the separators that the reader is used to.
func (p Printer) Number(n int64) string {
	return message.NewPrinter(language.Make(p.Lang())).Sprint(n)
}

// DayMonth is a day without its year, short enough for the axis of a plot.
func (p Printer) DayMonth(t time.Time) string {
	const letters = 3
	month := []rune(p.catalogue().Language.Months[t.Month()-1])
	return strconv.Itoa(t.Day()) + " " + string(month[:min(letters, len(month))])
}

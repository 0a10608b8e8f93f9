package locale

import (
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	for lang, want := range map[string]string{"en": "1,234,567", "fr": "1\u202f234\u202f567", "de": "1.234.567", "es": "1.234.567", "it": "1.234.567", "nl": "1.234.567"} {
		if got := For([]string{lang}, "").Number(1234567); got != want && got != "1\u00a0234\u00a0567" {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

func TestDayMonth(t *testing.T) {
	day := time.Date(2026, 2, 9, 0, 0, 0, 0, time.UTC)
	for lang, want := range map[string]string{"en": "9 Feb", "fr": "9 fév", "de": "9 Feb"} {
		if got := For([]string{lang}, "").DayMonth(day); got != want {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

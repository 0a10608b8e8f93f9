package account

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTable: whatever a file holds, reading it ends; rows come in order, their
// fields are those that are known, and what they hold is text.
func FuzzTable(f *testing.F) {
	for _, text := range []string{
		"email,name\na@example.org,A\n", "sep=;\nemail;groups\na@example.org;a|b\n", "\ufeffE-MAIL\tverified\na@b.c\tyes\n", "login\n\"a\"\"b\"\n\"c\nd\"\n\"e",
		"email\r\na\xe9@example.org\r\n", "\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00.\x00c\x00", "email\ra@b.c\r", "\"sep=,\"\nlogin\n'=1+2\n", "email,email\n",
	} {
		f.Add([]byte(text))
	}
	var known []string
	for _, field := range headers {
		known = append(known, field)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := OpenTable(bytes.NewReader(text))
		if err != nil {
			return
		}
		last := 0
		for n := 0; ; n++ {
			r, err := table.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n > len(text) || r.line < last {
				t.Fatalf("row %d at line %d after %d: %v", n, r.line, last, err)
			}
			last = r.line
			for field, v := range r.values {
				if !slices.Contains(known, field) || v == "" || !utf8.ValidString(v) || strings.TrimSpace(v) != v && !strings.HasPrefix(v, "=") {
					t.Errorf("%s: %q", field, v)
				}
			}
		}
		if p := table.Part(); p < 0 || p > 1 {
			t.Errorf("part %v", p)
		}
	})
}

package sheet

import "testing"

// D-11: no cell is a formula, and what was guarded comes back as it was.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Ada": "Ada", "a=b": "a=b", "O'Neil": "O'Neil", "=1+1": "'=1+1", "+33612345678": "'+33612345678", "-x": "'-x", "@x": "'@x",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "a\x1b[2Jb": "a\uFFFD[2Jb", "a\u202eb": "a\uFFFDb", "two\nlines": "two\nlines",
	} {
		if got := Cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"", "Ada", "=1", "+33", "-1", "@a", "'quoted'"} {
		if got := Text(Cell(text)); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
	if row := Cells([]string{"=1", "b"}); row[0] != "'=1" || row[1] != "b" {
		t.Errorf("%q", row)
	}
}

package signin

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Both drawings show the same modules, dark on white, with a quiet border of
// four, whatever the page's theme.
func TestQR(t *testing.T) {
	q, err := drawQR("otpauth://totp/Latchkey:a@b.c?secret="+secret+"&issuer=Latchkey", `alt "<`)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(q.png), "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	size := m.Bounds().Dx() / 8
	black := map[[2]int]bool{}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`).FindAllStringSubmatch(string(q.svg), -1) {
		x, _ := strconv.Atoi(run[1])
		y, _ := strconv.Atoi(run[2])
		n, _ := strconv.Atoi(run[3])
		for i := range n {
			black[[2]int{x + i, y}] = true
		}
	}
	for y := range size {
		for x := range size {
			r, _, _, _ := m.At(8*x+4, 8*y+4).RGBA()
			if (r == 0) != black[[2]int{x, y}] {
				t.Fatalf("module %d,%d differs", x, y)
			}
			if r == 0 && (x < 4 || y < 4 || x >= size-4 || y >= size-4) {
				t.Fatalf("no quiet zone at %d,%d", x, y)
			}
		}
	}
	if len(black) < size*size/5 || !strings.Contains(string(q.svg), `aria-label="alt &#34;&lt;"`) {
		t.Errorf("%d dark modules of %d: %.200s", len(black), size*size, q.svg)
	}
	if _, err := drawQR(strings.Repeat("x", 5000), ""); err == nil {
		t.Error("a text beyond any QR code is drawn")
	}
}

func TestGrouped(t *testing.T) {
	for in, want := range map[string]string{"ABCDEFGH": "ABCD EFGH", "ABCDEF": "ABCD EF", "ABCD EFGH": "ABCD EFGH", "": ""} {
		if got := strings.Join(grouped(in), " "); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

package picture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"latchkey/idp"
)

// halves is red on the left and blue on the right, with a green corner at the
// top left.
func halves(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.NRGBA{B: 255, A: 255}
			}
			if x < w/4 && y < h/4 {
				c = color.NRGBA{G: 255, A: 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func encoded(t *testing.T, kind string, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&out, m)
	case "jpeg":
		err = jpeg.Encode(&out, m, nil)
	case "gif":
		err = gif.Encode(&out, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func square(t *testing.T, file []byte) image.Image {
	t.Helper()
	out, err := Square(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(out))
	if err != nil || m.Bounds() != image.Rect(0, 0, Side, Side) {
		t.Fatalf("%v, %v", m, err)
	}
	return m
}

// main says which of the three colours a pixel is.
func main(c color.Color) string {
	switch r, g, b, _ := c.RGBA(); {
	case r > 0x9000 && g < 0x6000 && b < 0x6000:
		return "red"
	case g > 0x9000 && r < 0x6000 && b < 0x6000:
		return "green"
	case b > 0x9000 && r < 0x6000 && g < 0x6000:
		return "blue"
	}
	return "none"
}

// what comes out is a square PNG of ours, whatever went in.
func TestSquare(t *testing.T) {
	for _, kind := range []string{"png", "jpeg", "gif"} {
		m := square(t, encoded(t, kind, halves(400, 400)))
		if main(m.At(20, 20)) != "green" || main(m.At(20, 200)) != "red" || main(m.At(200, 200)) != "blue" {
			t.Errorf("%s: the picture has changed", kind)
		}
	}
	m := square(t, encoded(t, "png", halves(800, 200))) // its middle has no corner
	if main(m.At(60, 20)) != "red" || main(m.At(200, 20)) != "blue" {
		t.Error("not the middle")
	}
	square(t, encoded(t, "png", halves(1, 1)))
	webp, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	square(t, webp)
}

// nothing of the file survives but its pixels.
func TestNothingElse(t *testing.T) {
	secret := []byte("<script>alert(48.8584, 2.2945)</script>")
	for kind, file := range map[string][]byte{
		"behind the image": append(encoded(t, "png", halves(10, 10)), secret...),
		"in a JPEG's part": marked(encoded(t, "jpeg", halves(10, 10)), append([]byte("Exif\x00\x00"), secret...)),
	} {
		out, err := Square(t.Context(), file)
		if err != nil || bytes.Contains(out, []byte("script")) || bytes.Contains(out, []byte("Exif")) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// marked puts a part of type APP1 at the beginning of a JPEG file.
func marked(file, part []byte) []byte {
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(part)+2))
	out = append(out, part...)
	return append(out, file[2:]...)
}

func turned(file []byte, order binary.AppendByteOrder, name string, v uint16) []byte {
	part := append([]byte("Exif\x00\x00"), name...)
	part = order.AppendUint16(part, 42)
	part = order.AppendUint32(part, 8)
	part = order.AppendUint16(part, 1)
	part = order.AppendUint16(part, 0x0112)
	part = order.AppendUint16(part, 3)
	part = order.AppendUint32(part, 1)
	part = order.AppendUint16(part, v)
	return marked(file, append(part, 0, 0, 0, 0, 0, 0))
}

// Photographs stand upright: the green corner, which is at the top left of what
// the sensor saw, goes where the file says.
func TestUpright(t *testing.T) {
	const near, far = 20, Side - 20
	file := encoded(t, "jpeg", halves(400, 400))
	for v, want := range map[uint16]image.Point{
		1: {near, near}, 2: {far, near}, 3: {far, far}, 4: {near, far}, 5: {near, near}, 6: {far, near}, 7: {far, far}, 8: {near, far}, 9: {near, near}, 0: {near, near},
	} {
		for _, m := range []image.Image{square(t, turned(file, binary.BigEndian, "MM", v)), square(t, turned(file, binary.LittleEndian, "II", v))} {
			if main(m.At(want.X, want.Y)) != "green" {
				t.Errorf("orientation %d: the corner is not at %v", v, want)
			}
		}
	}
	if m := square(t, turned(file, binary.BigEndian, "MM", 6)); main(m.At(near, far)) != "blue" && main(m.At(far, far)) != "blue" {
		t.Error("not turned")
	}
}

// bomb is a small file that says it is large.
func bomb(w, h uint32, depth byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append([]byte("IHDR"), append(head, depth, 6, 0, 0, 0)...)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(out, head...), crc32.ChecksumIEEE(head))
}

// X-09, C-11: drawings, other files and bombs are refused before they are read.
func TestRefused(t *testing.T) {
	whole := encoded(t, "png", halves(300, 300))
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":          {nil, ErrFormat},
		"a drawing":        {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), ErrFormat},
		"a page":           {[]byte("<!doctype html><script>alert(1)</script>"), ErrFormat},
		"half a picture":   {whole[:len(whole)/2], ErrFormat},
		"a heavy file":     {append(whole, make([]byte, MostBytes)...), ErrLarge},
		"many pixels":      {bomb(100000, 100000, 8), ErrLarge},
		"a very wide one":  {bomb(1<<31-1, 1, 8), ErrLarge},
		"many deep pixels": {bomb(4000, 4000, 16), ErrLarge},
	} {
		if _, err := Square(t.Context(), c.file); !errors.Is(err, c.want) || !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever a file claims about itself, reading it ends.
func FuzzOrientation(f *testing.F) {
	f.Add([]byte{0xff, 0xd8, 0xff, 0xe1, 0, 8, 'E', 'x', 'i', 'f', 0, 0})
	f.Add(turned([]byte{0xff, 0xd8, 0xff, 0xd9}, binary.LittleEndian, "II", 6))
	f.Fuzz(func(t *testing.T, file []byte) {
		if v := orientation(file); v < 1 || v > 8 {
			t.Errorf("orientation %d", v)
		}
	})
}

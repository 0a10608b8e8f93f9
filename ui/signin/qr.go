package signin

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// quiet is the white border that a reader needs, in modules (ISO/IEC 18004 §6.3.8).
const quiet = 4

// picture is a QR code for the page and for saving. Both are made here: the
// secret in it is nobody else's business.
type picture struct {
	svg template.HTML
	png template.URL
}

func drawQR(content, alt string) (picture, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return picture{}, fmt.Errorf("signin: QR code: %w", err)
	}
	raster, err := rasterOf(code)
	if err != nil {
		return picture{}, err
	}
	// Nothing below comes from outside but alt, which is escaped.
	return picture{
		svg: template.HTML(vectorOf(code, alt)),                                                 //nolint:gosec // drawn here from numbers; the words are escaped
		png: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(raster)), //nolint:gosec // base64
	}, nil
}

func dark(code barcode.Barcode, x, y int) bool {
	r, _, _, _ := code.At(x, y).RGBA()
	return r == 0
}

// vectorOf draws each row's runs of dark modules as one path, with its own
// white ground, so that it is read in dark mode, too.
func vectorOf(code barcode.Barcode, alt string) string {
	n := code.Bounds().Dx()
	var path strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			from := x
			for x < n && dark(code, x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	size := n + 2*quiet
	return fmt.Sprintf(`<svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" shape-rendering="crispEdges" role="img" aria-label="%s"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`,
		size, size, 4*size, 4*size, template.HTMLEscapeString(alt), size, size, path.String())
}

func rasterOf(code barcode.Barcode) ([]byte, error) {
	const scale = 8 // pixels per module
	n := code.Bounds().Dx()
	size := (n + 2*quiet) * scale
	m := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range n * scale {
		for x := range n * scale {
			if dark(code, x/scale, y/scale) {
				m.SetColorIndex(x+quiet*scale, y+quiet*scale, 1)
			}
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, m)
	return out.Bytes(), err
}

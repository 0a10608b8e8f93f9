// Package picture turns a file that somebody uploaded into a picture of ours: a
// square PNG of 256 by 256 pixels, drawn anew (SECURITY.md X-09).
//
// Nothing of the file survives but its pixels: no place where a photograph was
// taken, no script that hides behind an image. Drawings in vector formats are
// programs and are not read at all. It never stores anything.
package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // registered for image.Decode
	_ "image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"latchkey/idp"
)

const (
	// Side is the width and the height of what comes out, in pixels.
	Side = 256
	// MostBytes is the largest file that is read.
	MostBytes = 2 << 20
	// mostPixels bounds the memory that a small file can claim: 16 million
	// pixels take up to 64 MiB, and those of 16 bits per colour twice as much.
	mostPixels = 16 << 20
)

// What is wrong with a file; each is an idp.ErrInvalid.
var (
	ErrFormat = fmt.Errorf("%w: not a PNG, JPEG, GIF or WebP picture", idp.ErrInvalid)
	ErrLarge  = fmt.Errorf("%w: the picture is too large", idp.ErrInvalid)
)

// one lets one picture at a time be unpacked, so that memory does not grow with
// the number of people who upload.
var one = make(chan struct{}, 1)

// Square reads a PNG, JPEG, GIF or WebP file and returns the middle of its first
// image as a PNG. ErrFormat and ErrLarge say what is wrong with it.
func Square(ctx context.Context, file []byte) ([]byte, error) {
	if len(file) > MostBytes {
		return nil, ErrLarge
	}
	c, kind, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return nil, errors.Join(ErrFormat, err)
	}
	if c.Width > mostPixels/depth(c.ColorModel)/c.Height {
		return nil, ErrLarge
	}
	select {
	case one <- struct{}{}:
		defer func() { <-one }()
	case <-ctx.Done():
		return nil, idp.ErrBusy
	}
	from, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, errors.Join(ErrFormat, err)
	}
	to := image.NewNRGBA(image.Rect(0, 0, Side, Side))
	draw.CatmullRom.Scale(to, to.Bounds(), from, middle(from.Bounds()), draw.Src, nil)
	if kind == "jpeg" {
		to = upright(to, orientation(file))
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to)
	return out.Bytes(), err
}

// depth is how many times more a pixel takes than one of 8 bits per colour.
func depth(m color.Model) int {
	if m == color.RGBA64Model || m == color.NRGBA64Model {
		return 2
	}
	return 1
}

// middle is the largest square in the middle.
func middle(r image.Rectangle) image.Rectangle {
	side := min(r.Dx(), r.Dy())
	at := image.Pt(r.Min.X+(r.Dx()-side)/2, r.Min.Y+(r.Dy()-side)/2)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))}
}

// Package picture turns a file that somebody uploaded into a picture of ours: a
// PNG, drawn anew, square for people and whole for logos (SECURITY.md X-09).
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
	"math"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"latchkey/idp"
)

const (
	// Side is the width and the height of a square, in pixels.
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
	png, _, err := again(ctx, file, func(whole image.Rectangle, _ bool) (part image.Rectangle, size image.Point) {
		return middle(whole), image.Pt(Side, Side)
	})
	return png, err
}

// Fit is Square for a picture that is shown whole, such as a logo: it becomes
// smaller until it is at most so wide and high, and never larger. size is what
// it measures then.
func Fit(ctx context.Context, file []byte, width, height int) (png []byte, size image.Point, err error) {
	return again(ctx, file, func(whole image.Rectangle, turned bool) (image.Rectangle, image.Point) {
		most := image.Pt(width, height)
		if turned {
			most = image.Pt(height, width)
		}
		return whole, within(whole.Size(), most)
	})
}

// within makes a size smaller, in proportion, until it is within another.
func within(size, most image.Point) image.Point {
	scale := min(1, float64(most.X)/float64(size.X), float64(most.Y)/float64(size.Y))
	side := func(n, most int) int { return min(max(int(math.Round(float64(n)*scale)), 1), most) }
	return image.Pt(side(size.X, most.X), side(size.Y, most.Y))
}

// again unpacks a file and draws it anew. frame says which part of it, and how
// large it becomes; turned says that it lies on its side.
func again(ctx context.Context, file []byte, frame func(whole image.Rectangle, turned bool) (part image.Rectangle, size image.Point)) ([]byte, image.Point, error) {
	if len(file) > MostBytes {
		return nil, image.Point{}, ErrLarge
	}
	c, kind, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return nil, image.Point{}, errors.Join(ErrFormat, err)
	}
	if c.Width > mostPixels/depth(c.ColorModel)/c.Height {
		return nil, image.Point{}, ErrLarge
	}
	select {
	case one <- struct{}{}:
		defer func() { <-one }()
	case <-ctx.Done():
		return nil, image.Point{}, idp.ErrBusy
	}
	from, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, image.Point{}, errors.Join(ErrFormat, err)
	}
	turn := 1
	if kind == "jpeg" {
		turn = orientation(file)
	}
	part, size := frame(from.Bounds(), sideways(turn))
	to := image.NewNRGBA(image.Rectangle{Max: size})
	draw.CatmullRom.Scale(to, to.Bounds(), from, part, draw.Src, nil)
	to = upright(to, turn)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to)
	return out.Bytes(), to.Bounds().Size(), err
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

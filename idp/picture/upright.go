package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// Telephones store photographs as the sensor saw them and say in the EXIF part
// how to turn them. That part is dropped, so the turn is made here.

// orientation reads the EXIF orientation of a JPEG file, 1 to 8; 1 when there is
// none (CIPA DC-008 §4.6.4, tag 0x0112).
func orientation(file []byte) int {
	const upright = 1
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		marker, size := file[at+1], int(binary.BigEndian.Uint16(file[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(file) { // the image itself begins
			return upright
		}
		if body, is := bytes.CutPrefix(file[at+4:at+2+size], []byte("Exif\x00\x00")); marker == 0xe1 && is {
			return tagged(body)
		}
		at += 2 + size
	}
	return upright
}

// tagged looks for the tag in a TIFF header and its first directory.
func tagged(tiff []byte) int {
	const upright, header, entry, tag, most = 1, 8, 12, 0x0112, 8
	if len(tiff) < header {
		return upright
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return upright
	}
	n := int(order.Uint16(tiff[at:]))
	for i := range n {
		e := at + 2 + int64(i*entry)
		if e+entry > int64(len(tiff)) {
			return upright
		}
		if order.Uint16(tiff[e:]) == tag {
			if v := int(order.Uint16(tiff[e+8:])); 1 <= v && v <= most {
				return v
			}
			return upright
		}
	}
	return upright
}

// turns says for each orientation where the pixel at x, y of the upright picture
// comes from; w and h are the last column and row of what it comes from.
var turns = map[int]func(x, y, w, h int) (int, int){
	2: func(x, y, w, _ int) (int, int) { return w - x, y },
	3: func(x, y, w, h int) (int, int) { return w - x, h - y },
	4: func(x, y, _, h int) (int, int) { return x, h - y },
	5: func(x, y, _, _ int) (int, int) { return y, x },
	6: func(x, y, _, h int) (int, int) { return y, h - x },
	7: func(x, y, w, h int) (int, int) { return w - y, h - x },
	8: func(x, y, w, _ int) (int, int) { return w - y, x },
}

// sideways reports whether width and height change places.
func sideways(orientation int) bool { return orientation >= 5 }

// upright turns a picture.
func upright(from *image.NRGBA, orientation int) *image.NRGBA {
	turn, ok := turns[orientation]
	if !ok {
		return from
	}
	size := from.Bounds().Size()
	to := image.NewNRGBA(image.Rectangle{Max: size})
	if sideways(orientation) {
		to = image.NewNRGBA(image.Rect(0, 0, size.Y, size.X))
	}
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			to.SetNRGBA(x, y, from.NRGBAAt(turn(x, y, size.X-1, size.Y-1)))
		}
	}
	return to
}

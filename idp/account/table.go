package account

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"latchkey/idp"
	"latchkey/idp/sheet"
)

// Bounds of a table. A row beyond them is most likely one whose quotation mark
// is never closed.
const (
	maxRow     = 256 << 10 // bytes
	maxColumns = 256
	headSize   = 64 << 10 // bytes that the guesses about a file look at
)

// errRow means that a row cannot be read, and nothing after it.
var errRow = errors.New("this row has more than 256 KiB: is a quotation mark not closed?")

// Table reads people from a CSV file as spreadsheets write it: comma, semicolon
// or tab, UTF-8 with or without a mark, UTF-16 with one, or Windows-1252. It
// holds one row at a time.
type Table struct {
	rows    *csv.Reader
	bound   *bounded
	read    *counted
	size    int64
	last    int            // line of the row before
	at      map[int]string // field by position
	columns map[string]int // position by field
	broken  bool

	// Unknown are columns that mean nothing here and are left out.
	Unknown []string
	// Names is the first row, Encoding and Comma are how the file is written.
	Names    []string
	Encoding string
	Comma    rune
	// Whole asks for Row.Cells.
	Whole bool
}

// OpenTable looks through the file once for its encoding, then reads its
// header. Mistakes wrap idp.ErrInvalid.
func OpenTable(file io.ReadSeeker) (*Table, error) { return OpenTableWith(file, nil) }

// OpenTableWith is OpenTable for a file with columns that mean something to the
// caller alone: also maps their names, lower case with underscores, to keys of
// Row.Extra, and wins where a name is known here, too.
func OpenTableWith(file io.ReadSeeker, also map[string]string) (*Table, error) {
	t, err := openTable(file)
	if err != nil {
		return nil, err
	}
	return t, t.guess(also)
}

// openTable reads as far as the first row.
func openTable(file io.ReadSeeker) (*Table, error) {
	code, size, err := encodingOf(file)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t := &Table{read: &counted{Reader: file}, size: size, at: map[int]string{}, columns: map[string]int{}, Encoding: nameOf(code)}
	t.bound = &bounded{from: code.NewDecoder().Reader(t.read)}
	text := bufio.NewReaderSize(t.bound, headSize)
	t.bound.left = headSize
	head, err := text.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errRow) {
		return nil, err
	}
	var plain io.Reader = text
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		plain, head = oldLines{text}, bytes.ReplaceAll(head, []byte("\r"), []byte("\n"))
	}
	comma, said := separator(head)
	t.rows = csv.NewReader(plain)
	t.Comma, t.rows.Comma, t.rows.FieldsPerRecord, t.rows.ReuseRecord = comma, comma, -1, true
	if said {
		t.bound.left = maxRow
		if _, err := t.rows.Read(); err != nil {
			return nil, fmt.Errorf("%w: the first row: %w", idp.ErrInvalid, err)
		}
	}
	return t, t.readHeader()
}

// encodingOf looks through a file.
func encodingOf(file io.Reader) (encoding.Encoding, int64, error) {
	buf := make([]byte, headSize)
	var size int64
	var rest []byte // of a letter that is cut in two
	isUTF8 := true
	for {
		n, err := file.Read(buf[len(rest):])
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return nil, 0, err
		}
		chunk := buf[:len(rest)+n]
		switch {
		case size == 0 && (bytes.HasPrefix(chunk, []byte{0xff, 0xfe}) || bytes.HasPrefix(chunk, []byte{0xfe, 0xff})):
			return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM), 0, nil // its size does not matter: progress is only shown
		case bytes.IndexByte(chunk, 0) >= 0:
			return nil, 0, fmt.Errorf("%w: this is no text: save the table as CSV", idp.ErrInvalid)
		}
		size += int64(n)
		if isUTF8 {
			chunk, isUTF8 = runes(chunk, last)
		} else {
			chunk = nil
		}
		rest = buf[:copy(buf, chunk)]
		if last {
			break
		}
	}
	if isUTF8 {
		return unicode.UTF8BOM, size, nil
	}
	return charmap.Windows1252, size, nil
}

// runes reads letters off a text and returns what is left of one that may go
// on, and whether all were UTF-8.
func runes(text []byte, last bool) (rest []byte, ok bool) {
	for len(text) > 0 && (last || utf8.FullRune(text)) {
		r, w := utf8.DecodeRune(text)
		if r == utf8.RuneError && w <= 1 {
			return nil, false
		}
		text = text[w:]
	}
	return text, true
}

// separator guesses what parts the columns: what comes most often in the first
// row, outside of quotation marks. A first line "sep=;" says so itself.
func separator(head []byte) (comma rune, said bool) {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	word := strings.Trim(strings.TrimSpace(string(line)), `"`)
	if s, ok := strings.CutPrefix(strings.ToLower(word), "sep="); ok && len(s) == 1 && strings.Contains(",;\t|", s) {
		return rune(s[0]), true
	}
	count := map[byte]int{}
	quoted := false
	for _, b := range head {
		if b == '"' {
			quoted = !quoted
		} else if b == '\n' && !quoted {
			break
		} else if !quoted {
			count[b]++
		}
	}
	comma = ','
	for _, c := range []byte{';', '\t'} {
		if count[c] > count[byte(comma)] {
			comma = rune(c)
		}
	}
	return comma, false
}

func (t *Table) readHeader() error {
	t.bound.left = maxRow
	names, err := t.rows.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file is empty", idp.ErrInvalid)
	} else if err != nil {
		return fmt.Errorf("%w: the first row: %w", idp.ErrInvalid, err)
	}
	if len(names) > maxColumns {
		return fmt.Errorf("%w: %d columns; at most %d are allowed", idp.ErrInvalid, len(names), maxColumns)
	}
	for _, n := range names {
		t.Names = append(t.Names, strings.Clone(strings.TrimSpace(n)))
	}
	return nil
}

// Next returns the next person of the file, or io.EOF.
func (t *Table) Next(context.Context) (Row, error) {
	r, err := t.next()
	if err != nil {
		return Row{}, err
	}
	out := Row{Line: r.line, Cells: r.cells}
	if r.err != nil {
		out.Wrong = []error{r.err}
		return out, nil
	}
	out.Given, out.Extra, out.Cells = map[string]bool{}, r.values, r.cells
	for field := range r.values {
		out.Given[field] = true
	}
	out.In, out.Wrong = describe(r.values)
	return out, nil
}

// place names the column of a field. A row without a login has its e-mail in
// its place.
func (t *Table) place(field string) (string, int) {
	if _, there := t.columns[field]; !there && field == "login" {
		field = "email"
	}
	if at, ok := t.columns[field]; ok {
		return field, at + 1
	}
	return field, 0
}

// row is a row as it stands in the file.
type row struct {
	line   int
	values map[string]string
	cells  []string
	err    error // it cannot be read
}

// next returns a row, or io.EOF. Rows without any text are passed over.
func (t *Table) next() (row, error) {
	for !t.broken {
		t.bound.left = maxRow
		cells, err := t.rows.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, errRow):
			t.broken = true
			return row{line: t.last + 1, err: errRow}, nil
		case errors.As(err, &parse):
			t.last = parse.Line
			return row{line: parse.StartLine, err: parse.Err}, nil
		case err != nil:
			return row{}, err
		}
		line, _ := t.rows.FieldPos(0)
		t.last = line
		r := row{line: line, values: map[string]string{}}
		if t.Whole {
			r.cells = cloned(cells)
		}
		for i, c := range cells {
			c = strings.TrimSpace(c)
			switch field := t.at[i]; {
			case c == "":
			case field != "":
				r.values[field] = sheet.Text(strings.Clone(c))
			case i >= maxColumns:
				r.err = fmt.Errorf("at most %d columns are allowed", maxColumns)
			}
		}
		if len(r.values) > 0 || r.err != nil {
			return r, nil
		}
	}
	return row{}, io.EOF
}

// Part is how much of the file has been read, 0 to 1.
func (t *Table) Part() float64 {
	if t.size == 0 {
		return 0
	}
	return min(1, float64(t.read.n)/float64(t.size))
}

// bounded fails when a row is too long, before it fills the memory.
type bounded struct {
	from io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRow
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// counted knows how much has been read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// oldLines turns the line ends of old Macs into those that are read here.
type oldLines struct{ io.Reader }

func (o oldLines) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

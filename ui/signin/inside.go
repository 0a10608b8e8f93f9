package signin

import (
	"embed"
	"fmt"
	"html/template"
	"strings"

	"latchkey/mfa"
	"latchkey/ui/page"
)

// What follows is for the pages behind the sign-in, which set up factors in the
// same manner.

// Pieces are the parts of pages that set up and ask for factors.
//
//go:embed _*.html
var Pieces embed.FS

// Complaint says what was wrong with an answer, and what to do next.
type Complaint = complaint

// Track says how far a wizard is; the piece "steps" draws it.
type Track = track

// Way is another method; the piece "icon" draws its sign.
type Way = way

// Scan is how the secret of an app is shown.
type Scan struct {
	SVG    template.HTML
	PNG    template.URL
	URI    template.URL
	Groups []string // for typing
}

// ScanOf draws a prompt of shape [mfa.ShapeScan].
func ScanOf(c *page.Context, p mfa.Prompt) (Scan, error) {
	q, err := drawQR(p.URI, c.Words.T("enrol.scan_alt"))
	return Scan{q.svg, q.png, template.URL(p.URI), grouped(p.Secret)}, err //nolint:gosec // made by our own factor
}

// Shaped tells a code from a slip of the finger, which costs no try.
func Shaped(p mfa.Prompt, typed string) bool { return shaped(p, typed) }

// ShapeOf says what a code looks like.
func ShapeOf(c *page.Context, p mfa.Prompt) *Complaint { return shapeOf(c, p) }

// LockOf says when codes are taken again.
func LockOf(c *page.Context, l *mfa.LockedError) *Complaint { return lockOf(c, l) }

// LimitOf says when a code can be sent again.
func LimitOf(c *page.Context, l *mfa.LockedError) *Complaint { return limitOf(c, l) }

// CodesFile is the list of backup codes of an account as a file.
func CodesFile(c *page.Context, account string, codes []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\r\n", c.Words.T("enrol.file_title", c.Brand()))
	fmt.Fprintf(&b, "%s\r\n", c.Words.T("enrol.file_account", account))
	fmt.Fprintf(&b, "%s\r\n\r\n", c.Words.T("enrol.file_made", c.Words.Date(c.Now())))
	for _, code := range codes {
		fmt.Fprintf(&b, "%s\r\n", code)
	}
	fmt.Fprintf(&b, "\r\n%s\r\n", c.Words.T("enrol.codes_where"))
	return c.Attach(c.Words.T("enrol.codes_file"), b.String())
}

// Asked is what the script of a ceremony sends.
type Asked = asked

// ReadAsked reads it.
func ReadAsked(c *page.Context) (Asked, error) { return read(c) }

package page

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"latchkey/idp"
)

var (
	errNoPage    = fmt.Errorf("page: no such address: %w", idp.ErrNotFound)
	errMethod    = errors.New("page: no such method here")
	errTooLarge  = errors.New("page: the form is too large")
	errMalformed = errors.New("page: the form cannot be read")
)

// submission is what a browser sent to us and nobody has read yet.
type submission struct {
	w      http.ResponseWriter // nil: none that could be told to hang up
	r      *http.Request
	upload int64 // the form may bring a file of so many bytes; 0: none
}

// read takes in the address and the form, and refuses what no browser sends
// by itself: text that is not UTF-8, NUL bytes (which databases refuse, each
// in its own way), and fields or parameters that occur twice, of which two
// readers might take different ones (SECURITY.md P-14, C-11).
func (s submission) read() error {
	query, err := url.ParseQuery(s.r.URL.RawQuery)
	if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	if err := sane(query); err != nil {
		return err
	}
	if s.r.Method == http.MethodGet || s.r.Method == http.MethodHead {
		return nil
	}
	kind, _, err := mime.ParseMediaType(s.r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" && s.upload > 0 {
		return s.readUpload()
	}
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return fmt.Errorf("%w: content type", errMalformed)
	}
	s.r.Body = http.MaxBytesReader(s.w, s.r.Body, MaxBody)
	if err := s.r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return errTooLarge
		}
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return sane(s.r.PostForm)
}

// readUpload is read for a form with a file.
func (s submission) readUpload() error {
	s.r.Body = http.MaxBytesReader(s.w, s.r.Body, s.upload+MaxBody)
	err := s.r.ParseMultipartForm(s.upload + MaxBody) // nothing of it goes to the disk
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return errTooLarge
	} else if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	for name, files := range s.r.MultipartForm.File {
		if len(files) > 1 || len(s.r.PostForm[name]) > 0 {
			return fmt.Errorf("%w: a field occurs twice", errMalformed)
		}
	}
	return sane(s.r.PostForm)
}

func sane(vs url.Values) error {
	for name, values := range vs {
		if len(values) > 1 {
			return fmt.Errorf("%w: a field occurs twice", errMalformed)
		}
		for _, s := range append(values, name) {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				return fmt.Errorf("%w: not text", errMalformed)
			}
		}
	}
	return nil
}

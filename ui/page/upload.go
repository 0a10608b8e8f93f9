package page

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Uploads is [Site.Members] for a form that brings one file of at most so many
// bytes, which stays in memory.
func (s *Site) Uploads(most int64, h Handler, back ...func(*Context) string) gin.HandlerFunc {
	return s.adapt(h, true, most, back)
}

// File is the file of a form, or nothing when none was chosen. Its name and its
// type are what the sender says, and nobody's business.
func (c *Context) File(name string) ([]byte, error) {
	f, _, err := c.R.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	defer func() { _ = f.Close() }() // it is in memory
	return io.ReadAll(f)
}

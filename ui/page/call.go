package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
)

// Call is a handler that our scripts talk to in JSON. What it returns is the
// answer; an error becomes a [Refusal].
type Call func(*Context) (answer any, err error)

// Refusal is what a script hears of an error.
type Refusal struct {
	Error    string `json:"error"`   // for programs
	Message  string `json:"message"` // for people, in their language
	Event    string `json:"event"`   // under which it is in the log
	Location string `json:"location,omitempty"`
}

// refused is an error whose words the handler has chosen.
type refused struct {
	error
	Problem
	message, location string
}

func (r *refused) Unwrap() error { return r.error }

// Refuse is an error of a [Call] with words of its own, and a page of ours
// where the person can go on, if there is one.
func Refuse(cause error, message, location string) error {
	return &refused{cause, ProblemOf(cause), message, location}
}

// Calls adapts the handler of a script's requests.
//
// No token is needed against forged requests (SECURITY.md X-01): another
// site's page cannot send JSON without asking first, which is never allowed,
// its requests come without our cookies, and browsers say where a request comes
// from.
func (s *Site) Calls(h Call) gin.HandlerFunc {
	return func(g *gin.Context) {
		for _, p := range g.Params {
			g.Request.SetPathValue(p.Key, p.Value)
		}
		c := s.From(g.Writer, g.Request)
		answer, err := take(c, h)
		if err != nil {
			refuse(c, err)
			return
		}
		reply(c, http.StatusOK, answer)
	}
}

// take reads the request before the handler sees it.
func take(c *Context, h Call) (any, error) {
	if !c.site.sameOrigin(c.R) {
		return nil, fmt.Errorf("%w: cross-site", idp.ErrForged)
	}
	kind, _, err := mime.ParseMediaType(c.R.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, fmt.Errorf("%w: content type", errMalformed)
	}
	query, err := url.ParseQuery(c.R.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if err := sane(query); err != nil {
		return nil, err
	}
	c.R.Body = http.MaxBytesReader(c.W, c.R.Body, MaxBody)
	return h(c)
}

// Malformed is the error of a body that is JSON, but not what was asked for.
func Malformed(err error) error { return fmt.Errorf("%w: %w", errMalformed, err) }

// JSON reads the body of a call into v. An empty body leaves v as it is.
func (c *Context) JSON(v any) error {
	body, err := io.ReadAll(c.R.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return errTooLarge
	} else if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	if strings.TrimSpace(string(body)) == "" {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return Malformed(err)
	}
	return nil
}

// refuse answers a call that failed.
func refuse(c *Context, err error) {
	p := ProblemOf(err)
	key := p.Key
	if !c.Words.Has(fmt.Sprintf("error.%s.text", key)) {
		key = "request"
	}
	out := Refusal{Error: p.Key, Message: c.Words.T(fmt.Sprintf("error.%s.text", key)) + " " + c.Words.T(fmt.Sprintf("error.%s.next", key))}
	if own := (*refused)(nil); errors.As(err, &own) {
		out.Location = own.location
		if own.message != "" {
			out.Message = own.message
		}
	}
	out.Event = note(c, err, p)
	reply(c, p.Status, out)
}

func reply(c *Context, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"internal","event":"`+note(c, err, Problem{Status: http.StatusInternalServerError, Key: "internal"})+`"}`)
	}
	h := c.W.Header()
	c.site.commonHeaders(h)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c.W.WriteHeader(status)
	_, _ = c.W.Write(b) // the reader may have gone away
}

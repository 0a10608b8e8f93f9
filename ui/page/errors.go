package page

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/trace"
	"latchkey/mfa"
)

// Problem is how an error looks to a person. Key names three sentences of the
// catalogue: error.KEY.title, .text (what happened) and .next (what to do).
type Problem struct {
	Status int
	Key    string
	Args   []any             // for the text's placeholders
	Detail map[string]string // small print for whoever helps; never a secret
	Back   string            // path of the way back; empty: the same page for our own faults, else /my/security
	Word   string            // key of the words on that link, if there is a Back
}

// problems is the one place where errors become words. The first match counts.
var problems = []struct {
	err    error
	status int
	key    string
}{
	{errTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{errMalformed, http.StatusBadRequest, "malformed"},
	{errMethod, http.StatusMethodNotAllowed, "not_found"},
	{idp.ErrForged, http.StatusForbidden, "forged"},
	{idp.ErrForeign, http.StatusForbidden, "foreign"},
	{idp.ErrExpired, http.StatusGone, "expired"},
	{idp.ErrSpent, http.StatusGone, "expired"},
	{mfa.ErrExpired, http.StatusGone, "expired"},
	{mfa.ErrRefused, http.StatusForbidden, "refused"},
	{idp.ErrBusy, http.StatusServiceUnavailable, "busy"},
	{mfa.ErrLocked, http.StatusTooManyRequests, "locked"},
	{idp.ErrBadLogin, http.StatusUnauthorized, "bad_login"},
	{mfa.ErrWrong, http.StatusUnauthorized, "wrong_code"},
	{idp.ErrDenied, http.StatusForbidden, "denied"},
	{idp.ErrLastOwner, http.StatusConflict, "last_owner"},
	{idp.ErrMore, http.StatusForbidden, "more"},
	{idp.ErrNotFound, http.StatusNotFound, "not_found"},
	{mfa.ErrNotHeld, http.StatusNotFound, "no_factor"},
	{mfa.ErrNoFactor, http.StatusNotFound, "no_factor"},
	{idp.ErrTaken, http.StatusConflict, "conflict"},
	{mfa.ErrConflict, http.StatusConflict, "conflict"},
	{idp.ErrInvalid, http.StatusBadRequest, "invalid"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable"},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable"},
}

// ProblemOf looks an error up; an unknown one is 500 and says nothing.
func ProblemOf(err error) Problem {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return Problem{Status: p.status, Key: p.key}
		}
	}
	// A database that cannot be reached is not a fault of this request.
	if down := (*net.OpError)(nil); errors.As(err, &down) {
		return Problem{Status: http.StatusServiceUnavailable, Key: "unavailable"}
	}
	return Problem{Status: http.StatusInternalServerError, Key: "internal"}
}

// Fail shows the page of an error.
func (c *Context) Fail(err error) { c.FailAs(err, ProblemOf(err)) }

// FailAs shows a problem and logs its cause once, under the id that the page
// shows (SECURITY.md C-09).
func (c *Context) FailAs(cause error, p Problem) {
	id := note(c, cause, p)
	if err := c.Show(c.site.own, p.Status, "error.html", viewOf(c, p, id)); err != nil {
		c.site.log.ErrorContext(c.R.Context(), "error page failed", "event", id, "err", err)
		http.Error(c.W, http.StatusText(p.Status)+" "+id, p.Status)
	}
}

// note logs why a request failed, says when to come back, and returns the id
// under which it is in the log.
func note(c *Context, cause error, p Problem) (id string) {
	if id = arrivalOf(c.R).id; id == "" {
		id = eventID()
	}
	trace.Note(c.R.Context(), trace.Text("latchkey.event", id))
	level := slog.LevelInfo
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	c.site.log.Log(c.R.Context(), level, "request failed",
		"event", id, "status", p.Status, "problem", p.Key, "method", c.R.Method, "route", arrivalOf(c.R).route, "err", cause)
	if s := retryAfter(cause, p.Status, c.Now()); s > 0 {
		c.W.Header().Set("Retry-After", strconv.Itoa(s))
	}
	return id
}

// retryAfter is in whole seconds; 0 means that the header is not sent.
func retryAfter(cause error, status int, now time.Time) int {
	if locked := (*mfa.LockedError)(nil); errors.As(cause, &locked) && locked.Until.After(now) {
		return int(math.Ceil(locked.Until.Sub(now).Seconds()))
	}
	if status == http.StatusServiceUnavailable {
		return 2
	}
	return 0
}

// eventID is short enough to read out on the telephone: 50 random bits.
func eventID() string {
	s := rand.Text()
	return s[:5] + "-" + s[5:10]
}

type problemView struct {
	Title, Text, Next string
	Event             string
	Detail            []detail
	Back, Word        string
}

type detail struct{ Name, Value string }

func viewOf(c *Context, p Problem, id string) problemView {
	key := strings.TrimPrefix(p.Key, "error.")
	if !c.Words.Has(fmt.Sprintf("error.%s.title", key)) {
		key, p.Args = "request", nil
	}
	v := problemView{
		Title: c.Words.T(fmt.Sprintf("error.%s.title", key)),
		Text:  c.Words.T(fmt.Sprintf("error.%s.text", key), p.Args...),
		Next:  c.Words.T(fmt.Sprintf("error.%s.next", key)),
		Event: id, Back: "/my/security", Word: c.Words.T("error.home"),
	}
	switch {
	case p.Back != "" && local(p.Back):
		v.Back, v.Word = p.Back, c.Words.T(p.Word)
	case p.Status >= http.StatusInternalServerError && local(c.here):
		v.Back, v.Word = c.here, c.Words.T("error.again")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Detail)) {
		v.Detail = append(v.Detail, detail{name, p.Detail[name]})
	}
	return v
}

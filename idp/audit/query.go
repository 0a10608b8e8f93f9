package audit

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"latchkey/idp"
)

// Query selects events. Empty fields select all.
type Query struct {
	User    idp.UserID // whom it is about
	Actor   idp.UserID // who did it
	What    string     // an event's name, or its beginning
	Client  idp.ClientID
	Result  string // ok, [Failed], or a reason such as locked
	Address string // IP address, whole
	Request string // correlation id
	Since   time.Time
	Until   time.Time  // exclusive
	Before  idp.Cursor // of Search: only what came before it
	Limit   int        // of Search: at most so many, by default 50
}

// Failed selects every result but ok.
const Failed = "failed"

const (
	defaultLimit = 50
	mostLimit    = 500
	longestField = 256
)

var whatShape = regexp.MustCompile(`^[a-z0-9_.]*$`)

// checked trims what people typed, or fails with idp.ErrInvalid.
func (q Query) checked() (Query, error) {
	for _, f := range []struct {
		name string
		text *string
	}{
		{"user", (*string)(&q.User)}, {"actor", (*string)(&q.Actor)}, {"event", &q.What}, {"client", (*string)(&q.Client)},
		{"result", &q.Result}, {"address", &q.Address}, {"request", &q.Request},
	} {
		*f.text = strings.TrimSpace(*f.text)
		if len(*f.text) > longestField {
			return q, fmt.Errorf("%w: %s: at most %d characters", idp.ErrInvalid, f.name, longestField)
		}
	}
	q.What = strings.ToLower(q.What)
	if !whatShape.MatchString(q.What) {
		return q, fmt.Errorf("%w: event: a name such as factor.add, or its beginning is expected", idp.ErrInvalid)
	}
	if !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return q, fmt.Errorf("%w: until: a time after the one of since", idp.ErrInvalid)
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit = min(q.Limit, mostLimit)
	return q, nil
}

// plain reports whether the query asks for nothing but a time.
func (q Query) plain() bool {
	return q.User == "" && q.Actor == "" && q.What == "" && q.Client == "" && q.Result == "" && q.Address == "" && q.Request == ""
}

// words is the query as an event's Detail has it.
func (q Query) words() map[string]string {
	out := map[string]string{}
	for name, v := range map[string]string{
		"user": string(q.User), "actor": string(q.Actor), "event": q.What, "client": string(q.Client), "result": q.Result,
		"address": q.Address, "request": q.Request,
	} {
		if v != "" {
			out[name] = v
		}
	}
	if !q.Since.IsZero() {
		out["since"] = stamp(q.Since)
	}
	if !q.Until.IsZero() {
		out["until"] = stamp(q.Until)
	}
	return out
}

// Page is a part of what a query selects, newest first.
type Page struct {
	Entries []Entry
	// Next is where the next page begins; zero: there is none.
	Next idp.Cursor
	// Looked says how far back the log was looked through for a page that is not
	// full although older events may match; zero otherwise. Looking further takes
	// another page: an answer must not take minutes.
	Looked time.Time
}

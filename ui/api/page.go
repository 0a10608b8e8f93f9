package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"latchkey/idp"
)

// Paging is asked for by lists that have pages.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"512" doc:"The next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; none on the last."`
}

// cursor hides the place in a list: it is nothing to rely on.
func cursor(place any) string {
	text, err := json.Marshal(place)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func (p Paging) place(into any) error {
	if p.Cursor == "" {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%w: cursor: it is not one of ours", idp.ErrInvalid)
	}
	return nil
}

// invalid says of a field what is allowed.
func invalid(field, want string) error {
	return fmt.Errorf("%w: %s: %s", idp.ErrInvalid, field, want)
}

// tag is the version of a thing as it is shown.
func tag(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:10]) + `"`
}

// versioned is an answer with its version.
type versioned[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func (v *versioned[T]) sent() *sent { return &sent{ETag: v.ETag, Body: v.Body} }

func version[T any](v T, err error) (*versioned[T], error) {
	if err != nil {
		return nil, err
	}
	return &versioned[T]{tag(v), v}, nil
}

// Matching is what a change may carry: the version that it is meant for.
type Matching struct {
	IfMatch string `header:"If-Match" maxLength:"512" doc:"The ETag that was read; another version is not changed."`
}

// match refuses a change that is meant for another version (RFC 9110 §13.1.1).
func (m Matching) match(now any) error {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return nil
	}
	have := tag(now)
	for want := range strings.SplitSeq(m.IfMatch, ",") {
		if strings.TrimSpace(want) == have {
			return nil
		}
	}
	return errStale
}

// page is the part of a list that was asked for, of one thing more than that.
func page[T, U any](all []T, limit int, place func(T) any, view func(T) U) *body[Page[U]] {
	out := Page[U]{}
	if len(all) > limit {
		all = all[:limit]
		out.Next = cursor(place(all[limit-1]))
	}
	out.Items = each(all, view)
	return &body[Page[U]]{out}
}

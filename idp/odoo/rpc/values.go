package rpc

import (
	"bytes"
	"encoding/json"
	"time"
)

// Odoo says false where a text, a date or a reference is empty.

// Text is a text that may be empty.
type Text string

// UnmarshalJSON takes false for nothing.
func (t *Text) UnmarshalJSON(b []byte) error {
	if nothing(b) {
		*t = ""
		return nil
	}
	var s any
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if v, ok := s.(string); ok {
		*t = Text(v)
		return nil
	}
	*t = Text(b) // parameters that somebody wrote as a number or True
	return nil
}

// Ref is a reference to one record; ID 0: none.
type Ref struct {
	ID   int64
	Name string
}

// UnmarshalJSON takes [id, name], id alone or false.
func (r *Ref) UnmarshalJSON(b []byte) error {
	*r = Ref{}
	if nothing(b) {
		return nil
	}
	if b[0] != '[' {
		return json.Unmarshal(b, &r.ID)
	}
	return json.Unmarshal(b, &[]any{&r.ID, &r.Name})
}

// Layout is how Odoo writes moments, in UTC.
const Layout = "2006-01-02 15:04:05"

// Time is a moment that may be empty.
type Time struct{ time.Time }

// UnmarshalJSON takes false for the zero time.
func (t *Time) UnmarshalJSON(b []byte) (err error) {
	if nothing(b) {
		t.Time = time.Time{}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	t.Time, err = time.ParseInLocation(Layout+".999999", s, time.UTC)
	return err
}

func nothing(b []byte) bool {
	return bytes.Equal(b, []byte("false")) || bytes.Equal(b, []byte("null"))
}

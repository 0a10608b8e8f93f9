package people

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/sheet"
)

// Format is how a list is written.
type Format string

const (
	CSV  Format = "csv"
	JSON Format = "json"
)

// Line is a person in an exported list. Names are part of the product's
// interface; docs/administrator.md explains them.
type Line struct {
	ID            string     `json:"id"`
	Login         string     `json:"login"`
	Name          string     `json:"name"`
	Email         string     `json:"email"`
	EmailVerified bool       `json:"email_verified"`
	Phone         string     `json:"phone"`
	Kind          string     `json:"kind"`
	Role          string     `json:"role"`
	Groups        []string   `json:"groups"`
	Factors       []string   `json:"factors"`
	Password      bool       `json:"password"` // there is one
	Disabled      bool       `json:"disabled"`
	Created       time.Time  `json:"created"`
	SignedIn      *time.Time `json:"last_signin"`
	Invited       *time.Time `json:"invited"`
}

// LineOf is a person as a line.
func LineOf(e Entry) Line {
	some := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	u := e.User
	l := Line{
		ID: string(u.ID), Login: u.Login, Name: u.Name, Email: u.Email, EmailVerified: u.EmailVerified, Phone: u.Phone, Kind: string(u.Kind), Role: string(u.Role),
		Groups: append([]string{}, u.Groups...), Factors: []string{}, Password: u.Password != "", Disabled: u.Disabled, Created: u.Created.UTC(),
		SignedIn: some(e.SignedIn), Invited: some(e.Invited),
	}
	for _, k := range u.Factors {
		l.Factors = append(l.Factors, string(k))
	}
	return l
}

var columns = []string{
	"id", "login", "name", "email", "email_verified", "phone", "kind", "role", "groups", "factors", "password", "disabled", "created", "last_signin", "invited",
}

func (l Line) cells() []string {
	when := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	return []string{
		l.ID, l.Login, l.Name, l.Email, strconv.FormatBool(l.EmailVerified), l.Phone, l.Kind, l.Role, strings.Join(l.Groups, "|"), strings.Join(l.Factors, "|"),
		strconv.FormatBool(l.Password), strconv.FormatBool(l.Disabled), l.Created.Format(time.RFC3339), when(l.SignedIn), when(l.Invited),
	}
}

// mayExport is for who changes people, and for who examines the house. Whoever
// helps them one at a time needs no list of all.
func mayExport(by idp.Actor) error {
	err := by.May(idp.EditPeople)
	if err == nil || by.May(idp.SeePeople) != nil {
		return err
	}
	return by.May(idp.SeeAudit)
}

// Export writes everybody whom a filter means, as they are read: a million fits
// through. The event comes first: what cannot be noted is not handed out. w is
// asked for when there is something to write: an error before is nobody's half
// file.
func (d *Directory) Export(ctx context.Context, by idp.Actor, f Filter, as Format, w func() io.Writer) error {
	if err := mayExport(by); err != nil {
		return errors.Join(err, d.note(ctx, by, "people.export", "denied", nil))
	}
	if err := f.check(); err != nil {
		return err
	}
	if as != CSV && as != JSON {
		return fmt.Errorf("%w: format: csv or json", idp.ErrInvalid)
	}
	detail := map[string]string{"format": string(as)}
	maps.Copy(detail, f.described())
	if err := d.note(ctx, by, "people.export", "ok", detail); err != nil {
		return err
	}
	out := bufio.NewWriterSize(w(), 64<<10)
	if as == CSV {
		return errors.Join(d.exportCSV(ctx, f, out), out.Flush())
	}
	return errors.Join(d.exportJSON(ctx, f, out), out.Flush())
}

func (d *Directory) note(ctx context.Context, by idp.Actor, what, result string, detail map[string]string) error {
	if by.User == "" && !by.Host {
		return nil
	}
	return d.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: d.Now(), What: what, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: result, Detail: detail,
	})
}

func (d *Directory) exportCSV(ctx context.Context, f Filter, out io.Writer) error {
	c := csv.NewWriter(out)
	c.UseCRLF = true // RFC 4180 §2.1
	if err := c.Write(columns); err != nil {
		return err
	}
	err := d.Each(ctx, f, func(e Entry) error { return c.Write(sheet.Cells(LineOf(e).cells())) })
	c.Flush()
	return errors.Join(err, c.Error())
}

func (d *Directory) exportJSON(ctx context.Context, f Filter, out io.Writer) error {
	if _, err := io.WriteString(out, "["); err != nil {
		return err
	}
	comma := "\n"
	err := d.Each(ctx, f, func(e Entry) error {
		b, err := json.Marshal(LineOf(e))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s%s", comma, b)
		comma = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, "\n]\n")
	return err
}

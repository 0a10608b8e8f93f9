package rpc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// json calls a method by JSON-2 (ODOO.md §3).
func (s *server) json(ctx context.Context, model, method string, args Args, out any, again bool) error {
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	r := request{
		method: http.MethodPost, path: "/json/2/" + url.PathEscape(model) + "/" + url.PathEscape(method), body: body, again: again,
		headers: map[string]string{"Content-Type": "application/json; charset=utf-8", "Authorization": "bearer " + s.cfg.Key, "X-Odoo-Database": s.cfg.Database},
	}
	status, kind, answer, err := s.wire.send(ctx, r)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(kind, "application/json") || !json.Valid(answer) {
		if status == http.StatusUnauthorized || status == http.StatusForbidden {
			return told(ErrWrongKey, "")
		}
		return notOdoo(status, kind)
	}
	if status/100 != 2 {
		return refusal(status, answer)
	}
	return decode(answer, out)
}

// get reads a page that answers JSON.
func (s *server) get(ctx context.Context, path string, out any) error {
	status, kind, answer, err := s.wire.send(ctx, request{method: http.MethodGet, path: path, again: true})
	if err != nil {
		return err
	}
	if status != http.StatusOK || !strings.HasPrefix(kind, "application/json") {
		return notOdoo(status, kind)
	}
	return decode(answer, out)
}

// refusal turns JSON-2's own errors into ours.
func refusal(status int, answer []byte) error {
	var said struct{ Name, Message string }
	if json.Unmarshal(answer, &said) != nil {
		said.Message = http.StatusText(status)
	}
	class := said.Name[strings.LastIndex(said.Name, ".")+1:]
	switch {
	case status == http.StatusUnauthorized:
		return told(ErrWrongKey, "")
	case class == "AccessDenied":
		return told(ErrWrongKey, line(said.Message))
	case class == "AccessError", status == http.StatusForbidden:
		return told(ErrDenied, line(said.Message))
	case class == "MissingError", status == http.StatusNotFound:
		return told(ErrNotFound, line(said.Message))
	}
	return told(ErrFault, line(said.Message))
}

func notOdoo(status int, kind string) error {
	return says(ErrNotOdoo, "reach.html", status, strings.TrimSpace(strings.Split(kind, ";")[0]))
}

func decode(answer []byte, out any) error {
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return says(ErrFault, "reach.shape").because(err)
	}
	return nil
}

// line is the part of a message that tells something: of a traceback the last
// line, and never more than anybody reads.
func line(message string) string {
	message = strings.TrimSpace(message)
	if strings.HasPrefix(message, "Traceback") {
		lines := strings.Split(message, "\n")
		for i := len(lines) - 1; i >= 0; i-- {
			// What PostgreSQL adds below an error is indented or begins with a word of its own.
			if l := lines[i]; l != "" && l[0] != ' ' && !strings.HasPrefix(l, "DETAIL") && !strings.HasPrefix(l, "HINT") && !strings.HasPrefix(l, "CONTEXT") {
				message = l
				break
			}
		}
	}
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > 400 {
		message = strings.ToValidUTF8(message[:400], "") + "…"
	}
	return message
}

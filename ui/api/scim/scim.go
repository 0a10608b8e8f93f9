// Package scim lets other systems feed people and groups in here: SCIM 2.0
// (RFC 7643, RFC 7644), as Entra ID, Okta and the like speak it.
//
// It translates and decides nothing: people change through package account,
// groups through package rulebook, with the rights of the token (people:read to
// look, people:write to change) and an event for each change. It reads no
// cookie, takes no passwords and gives no roles.
package scim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/provision"
	"latchkey/idp/rulebook"
	"latchkey/ui/api/gate"
)

// Prefix is where all addresses begin.
const Prefix = "/scim/v2"

const (
	maxBody  = 1 << 20 // a group comes with its members
	maxPage  = 200
	typeSCIM = "application/scim+json"
	// maxMembers of a group are read and compared at once.
	maxMembers = 20000
	// maxListed members of all groups come in one list.
	maxListed = 20000
)

// Server answers requests below [Prefix]. Its fields are set once, before
// first use.
type Server struct {
	Issuer string
	Gate   *gate.Gate
	People *account.Service
	Groups *rulebook.Groups
	Store  provision.Store
	Atomic idp.Atomic
	Log    idp.Log
	// Remove says that DELETE removes people; otherwise it disables them and
	// hides them from those who feed them in.
	Remove bool
	Fault  func(*http.Request, error)

	mux *http.ServeMux
}

// Mount prepares the server.
func (s *Server) Mount() http.Handler {
	s.mux = http.NewServeMux()
	u, g := users{s}, groups{s}
	for pattern, h := range map[string]handler{
		"GET /ServiceProviderConfig": fixed(s.config), "GET /ResourceTypes": fixed(s.types), "GET /ResourceTypes/{id}": pick(s.types),
		"GET /Schemas": fixed(s.schemas), "GET /Schemas/{id}": pick(s.schemas),
		"GET /Users": u.listUsers, "POST /Users": u.createUser, "GET /Users/{id}": u.getUser, "PUT /Users/{id}": u.putUser,
		"PATCH /Users/{id}": u.patchUser, "DELETE /Users/{id}": u.deleteUser,
		"GET /Groups": g.listGroups, "POST /Groups": g.createGroup, "GET /Groups/{id}": g.getGroup, "PUT /Groups/{id}": g.putGroup,
		"PATCH /Groups/{id}": g.patchGroup, "DELETE /Groups/{id}": g.deleteGroup,
		"POST /.search": search(s.listAll), "POST /Users/.search": search(u.listUsers), "POST /Groups/.search": search(g.listGroups),
		"GET /Me": absent, "POST /Me": absent, "PUT /Me": absent, "PATCH /Me": absent, "DELETE /Me": absent, "POST /Bulk": absent,
	} {
		method, path, _ := cut(pattern)
		s.mux.Handle(method+" "+Prefix+path, s.wrap(h))
	}
	return http.HandlerFunc(s.serve)
}

func cut(pattern string) (method, path string, ok bool) {
	for i := range pattern {
		if pattern[i] == ' ' {
			return pattern[:i], pattern[i+1:], true
		}
	}
	return "", pattern, false
}

// call is one request.
type call struct {
	*http.Request
	by idp.Actor
}

// answer is what is said.
type answer struct {
	status   int // default 200
	body     any // nil: none
	location string
	version  string
}

type handler func(c *call) (*answer, error)

type callerKey struct{}

// absent is what RFC 7644 has and we have not: a token stands for a program,
// which is nobody's "me" (§3.11), and steps that come one by one need no bulk.
func absent(*call) (*answer, error) { return nil, errAbsent }

// serve asks who it is, before it looks at anything else.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c, err := s.Gate.Admit(w, r)
	if err == nil {
		err = acceptable(r)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.find(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c.Actor)))
}

// find sends a request to its handler; what is not there is an error of SCIM,
// too, and so is what breaks.
func (s *Server) find(w http.ResponseWriter, r *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
			panic(p)
		}
		s.refuse(w, r, fmt.Errorf("panic: %v", p))
	}()
	h, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	quiet := &silent{head: http.Header{}}
	h.ServeHTTP(quiet, r)
	if quiet.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", quiet.head.Get("Allow"))
		s.refuse(w, r, errMethod)
		return
	}
	s.refuse(w, r, errNowhere)
}

// silent hears what the mux would answer.
type silent struct {
	head   http.Header
	status int
}

func (q *silent) Header() http.Header         { return q.head }
func (q *silent) WriteHeader(status int)      { q.status = status }
func (q *silent) Write(p []byte) (int, error) { return len(p), nil }

// acceptable refuses bodies that are not JSON (SECURITY.md X-01).
func acceptable(r *http.Request) error {
	if r.ContentLength == 0 && len(r.TransferEncoding) == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != typeSCIM && kind != "application/json" {
		return errType
	}
	return nil
}

// wrap asks for the right, runs a handler and writes what it says.
func (s *Server) wrap(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, _ := r.Context().Value(callerKey{}).(idp.Actor)
		right := idp.SeePeople
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasSuffix(r.URL.Path, "/.search") {
			right = idp.EditPeople
		}
		if err := by.May(right); err != nil {
			if bad := s.denied(r, by, right); bad != nil {
				err = bad
			}
			s.refuse(w, r, err)
			return
		}
		a, err := h(&call{r, by})
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		if a.location != "" {
			w.Header().Set("Location", a.location)
		}
		if a.version != "" {
			w.Header().Set("ETag", a.version)
			if r.Method == http.MethodGet && names(r.Header.Get("If-None-Match"), a.version) {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		write(w, max(a.status, http.StatusOK), a.body)
	})
}

// denied notes that somebody tried what is not theirs (SECURITY.md D-07).
func (s *Server) denied(r *http.Request, by idp.Actor, right idp.Right) error {
	return s.Log.Append(r.Context(), idp.Event{
		ID: rand.Text(), At: s.Gate.Now(), What: "api.refused", Actor: by.User, Origin: by.Origin, Result: "denied",
		Detail: map[string]string{"operation": "scim " + r.Method, "right": string(right)},
	})
}

func write(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", typeSCIM)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // the reader may have gone away
}

// read reads a body into an object.
func (c *call) read() (object, error) {
	var out object
	d := json.NewDecoder(c.Body)
	if err := d.Decode(&out); err != nil || out == nil {
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			return nil, errLarge
		}
		return nil, errSyntax
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errSyntax
	}
	return out, nil
}

// What is said of requests that no use case judges.
var (
	errNowhere = errors.New("scim: there is nothing at this address")
	errAbsent  = errors.New("scim: this is not offered")
	errFixed   = errors.New("scim: this is one list, without a filter")
	errMethod  = errors.New("scim: this address does not take this method")
	errType    = errors.New("scim: application/scim+json is expected")
	errSyntax  = errors.New("scim: the body is not an object in JSON")
	errLarge   = errors.New("scim: the body is too long")
	errMany    = errors.New("scim: these are too many at once")
	errStale   = errors.New("scim: it was changed since you read it")
	errPath    = errors.New("scim: this path is not known")
	errTarget  = errors.New("scim: nothing is at this path")
	errValue   = errors.New("scim: the value does not fit")
	errMutable = errors.New("scim: this does not change")
)

// problems are the errors of RFC 7644 §3.12; the first that fits counts.
var problems = []struct {
	err    error
	status int
	kind   string
}{
	{errNowhere, http.StatusNotFound, ""}, {errAbsent, http.StatusNotImplemented, ""}, {errFixed, http.StatusForbidden, ""}, {errMethod, http.StatusMethodNotAllowed, ""}, {errType, http.StatusUnsupportedMediaType, ""}, {errSyntax, http.StatusBadRequest, "invalidSyntax"},
	{errLarge, http.StatusRequestEntityTooLarge, ""}, {errMany, http.StatusRequestEntityTooLarge, ""}, {errStale, http.StatusPreconditionFailed, ""}, {errPath, http.StatusBadRequest, "invalidPath"},
	{errTarget, http.StatusBadRequest, "noTarget"}, {errValue, http.StatusBadRequest, "invalidValue"}, {errMutable, http.StatusBadRequest, "mutability"},
	{provision.ErrFilter, http.StatusBadRequest, "invalidFilter"},
	{apitoken.ErrFromToken, http.StatusForbidden, ""}, {idp.ErrDenied, http.StatusForbidden, ""}, {idp.ErrNotFound, http.StatusNotFound, ""},
	{idp.ErrLastOwner, http.StatusConflict, "mutability"}, {idp.ErrTaken, http.StatusConflict, "uniqueness"}, {idp.ErrSpent, http.StatusPreconditionFailed, ""},
	{idp.ErrInvalid, http.StatusBadRequest, "invalidValue"}, {idp.ErrBusy, http.StatusServiceUnavailable, ""},
}

type problem struct {
	Schemas []string `json:"schemas"`
	Status  string   `json:"status"`
	Kind    string   `json:"scimType,omitempty"`
	Detail  string   `json:"detail"`
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problem{Schemas: []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, Detail: "Something went wrong here."}
	status := http.StatusInternalServerError
	if refusal := (*gate.Refusal)(nil); errors.As(err, &refusal) {
		status, p.Detail = refusal.Status, refusal.Detail
	} else {
		for _, known := range problems {
			if errors.Is(err, known.err) {
				status, p.Kind, p.Detail = known.status, known.kind, said(err)
				break
			}
		}
	}
	if denied := (*idp.DeniedError)(nil); errors.As(err, &denied) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="Latchkey", error="insufficient_scope", scope="%s"`, denied.Right))
		p.Detail = fmt.Sprintf("The right %s lacks, or does not reach so far.", denied.Right)
	}
	switch {
	case status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case status == http.StatusInternalServerError && r.Context().Err() == nil:
		s.Fault(r, err)
	}
	p.Status = strconv.Itoa(status)
	write(w, status, p)
	slog.DebugContext(r.Context(), "SCIM refused", "status", status, "err", err)
}

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/replay"
	"latchkey/ui/api/gate"
)

const keyHeader = "Idempotency-Key"

// secrets are the members of answers that are shown once, and those that show a
// table of people: what is remembered of an answer is without them (SECURITY.md
// D-06).
var secrets = []string{"secret", "validation_url", "link", "code", "sample", "first"}

// kept are the headers that are part of an answer.
var kept = []string{"Content-Type", "Location", "ETag"}

// perform runs a request of somebody who may make it, or answers one that was sent
// again as the first was.
func (a *API) perform(w http.ResponseWriter, r *http.Request, c gate.Caller) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
			panic(p)
		}
		err = fmt.Errorf("panic: %v", p)
	}()
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, r))
	o, there := a.find(w, r)
	if !there {
		return nil
	}
	if err := a.asks(r.Context(), o); err != nil {
		return err
	}
	if err := o.accepts(r); err != nil {
		return err
	}
	if r.ContentLength > o.limit() {
		a.write(w, r, overlong(o.limit()))
		return nil
	}
	back, err := a.place(o, r)
	if err != nil {
		return err
	}
	defer back()
	o.wait(w)
	if r.Method != http.MethodPost || r.Header.Get(keyHeader) == "" {
		a.mux.ServeHTTP(w, r)
		return nil
	}
	return a.performOnce(w, r, c, o)
}

// performOnce runs a request that has a key, unless it did before.
func (a *API) performOnce(w http.ResponseWriter, r *http.Request, c gate.Caller, o operation) error {
	key := r.Header.Get(keyHeader)
	if len(key) > replay.MaxKey {
		return fmt.Errorf("%w: %s: at most %d bytes", idp.ErrInvalid, keyHeader, replay.MaxKey)
	}
	if o.uploads() { // a writer that has no deadlines needs none
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime))
	}
	sent, err := io.ReadAll(http.MaxBytesReader(w, r.Body, o.limit()))
	if err != nil {
		a.write(w, r, overlong(o.limit()))
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	ask := replay.Request{Caller: c.Name, Key: key, Hash: replay.HashOf(r.Method, r.URL.RequestURI(), sent)}
	said, first, err := a.Replay.Begin(r.Context(), ask)
	if err != nil {
		return err
	}
	if !first {
		repeat(w, said)
		return nil
	}
	rec := &recorder{ResponseWriter: w}
	defer func() { // also when the work panics or its caller is gone: the work was done
		said := replay.Answer{Status: rec.status, Head: map[string]string{}, Body: without(rec.body.Bytes())}
		for _, name := range kept {
			if v := w.Header().Get(name); v != "" {
				said.Head[name] = v
			}
		}
		if bad := a.Replay.End(context.WithoutCancel(r.Context()), ask, said); bad != nil {
			a.Fault(r, fmt.Errorf("the answer is not remembered: %w", bad))
		}
	}()
	a.mux.ServeHTTP(rec, r)
	return nil
}

func repeat(w http.ResponseWriter, a replay.Answer) {
	for name, v := range a.Head {
		w.Header().Set(name, v)
	}
	w.Header().Set("Idempotent-Replayed", "true")
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // the reader may have gone away
}

// without takes the secrets out of an answer.
func without(answer []byte) string {
	members := map[string]json.RawMessage{}
	if json.Unmarshal(answer, &members) != nil {
		return string(answer)
	}
	found := slices.ContainsFunc(secrets, func(s string) bool { _, there := members[s]; return there })
	if !found {
		return string(answer)
	}
	for _, s := range secrets {
		delete(members, s)
	}
	out, err := json.Marshal(members)
	if err != nil {
		return "{}"
	}
	return string(out)
}

// recorder sees what an operation answers. Without a writer below it nobody
// else does.
type recorder struct {
	http.ResponseWriter
	head   http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header {
	if r.ResponseWriter == nil {
		return r.head
	}
	return r.ResponseWriter.Header()
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	if r.ResponseWriter != nil {
		r.ResponseWriter.WriteHeader(status)
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	r.body.Write(p)
	if r.ResponseWriter == nil {
		return len(p), nil
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets net/http find what the real writer can do.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

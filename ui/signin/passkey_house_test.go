package signin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/passkey"
)

// openKeys is a house with passkeys, at a name: there are none for addresses.
func openKeys(t *testing.T) *house {
	t.Helper()
	h := open(t)
	h.URL = strings.Replace(h.URL, "127.0.0.1", "localhost", 1)
	h.service.Factors.Register(passkey.Factor{
		RPID: "localhost", RPName: "Latchkey", Origins: []string{h.URL}, Secret: make([]byte, 32), Now: h.clock.Now,
	})
	h.service.Offers = h.db.Offers
	return h
}

// device is an authenticator without a browser around it.
type device struct {
	rp  virtualwebauthn.RelyingParty
	is  virtualwebauthn.Authenticator
	key virtualwebauthn.Credential
}

func (h *house) device() *device {
	d := &device{rp: virtualwebauthn.RelyingParty{ID: "localhost", Name: "Latchkey", Origin: h.URL}, is: virtualwebauthn.NewAuthenticator()}
	for d.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(d.key.Key.AttestationData()) != 77; { // it drops leading zeros
		d.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return d
}

// create and get answer what begin gave.
func (d *device) create(options []byte) json.RawMessage {
	o, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		panic(err)
	}
	d.is.Options.UserHandle = []byte(o.UserID)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(d.rp, d.is, d.key, *o))
}

func (d *device) get(options []byte) json.RawMessage {
	o, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		panic(err)
	}
	d.key.Counter++
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(d.rp, d.is, d.key, *o))
}

// give lets somebody hold a passkey.
func (h *house) give(u idp.User, d *device) {
	h.t.Helper()
	s := u.Subject()
	c, err := h.service.Factors.Enroll(h.t.Context(), s, idp.Passkey, "test")
	if err == nil {
		err = h.service.Factors.Confirm(h.t.Context(), s, "test", []mfa.Response{{ID: c.ID, Answer: mfa.Answer{Public: d.create(c.Prompt.Public)}}}, nil)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// said is the answer to a call.
type said struct {
	PublicKey json.RawMessage
	State     string
	Flow      string
	Location  string
	Error     string
	Message   string
	Event     string
}

// call posts JSON as the script does.
func (v *visitor) call(path string, body any, headers ...string) (int, said) {
	v.h.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, v.h.URL+path, bytes.NewReader(b))
	if err != nil {
		v.h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.h.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	var out said
	if err := json.Unmarshal(raw, &out); err != nil || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Cache-Control") != "no-store" {
		v.h.t.Fatalf("%s answers %d %s %s", path, res.StatusCode, res.Header, raw)
	}
	v.header = res.Header
	return res.StatusCode, out
}

func (v *visitor) begin(flow string) said {
	v.h.t.Helper()
	status, out := v.call("/login/passkey/begin", map[string]string{"flow": flow})
	if status != 200 || out.PublicKey == nil || out.Flow == "" {
		v.h.t.Fatalf("begin: %d %+v", status, out)
	}
	return out
}

func finish(b said, credential json.RawMessage) map[string]any {
	return map[string]any{"flow": b.Flow, "state": b.State, "credential": credential}
}

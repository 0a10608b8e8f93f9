package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"latchkey/idp"
	"latchkey/mfa"
)

// GrantDevice is the grant type of devices that have no browser (RFC 8628
// §3.4). No type of client has it unless its registration says so (P-36).
const GrantDevice = "urn:ietf:params:oauth:grant-type:device_code"

// Kinds of grant of a device that waits until a person allows it. Both rows
// are made at once and decided at once; what they are exchanged for is a code
// like any other, which only the device_code can redeem.
const (
	KindDevice   = "device"    // what the device holds
	KindUserCode = "user_code" // what the person types
)

// Addresses of the grant, below the issuer. The page's is short because people
// type it.
const (
	PathDeviceAuthorization = "/oauth2/device_authorization"
	PathDevice              = "/device"
	PathDeviceConfirm       = "/device/confirm"
)

// Devices is what the device authorization grant needs (RFC 8628).
type Devices struct {
	Limiter mfa.Limiter
	// Network groups addresses that one customer usually has (B-10).
	Network func(address string) string
	// Place says where an address is; nil: nobody knows.
	Place func(address string) string
}

const (
	deviceFor  = 10 * time.Minute // a device_code and its user_code; no code may live longer (SECURITY.md §1.1)
	devicePace = 5 * time.Second  // between two questions of a device
)

// Budgets. Of a client and of a network so many devices may begin in the time
// that a code lives: it takes no secret, and every one is two rows (C-12). And
// so many wrong codes may be typed by one person, in one browser, from one network
// and in all (RFC 8628 §5.1, B-03): with 3,000 in a quarter of an hour, whoever has
// many networks finds one of ten codes that live in some twenty years.
const (
	clientBegins   = 1000
	networkBegins  = 60
	wrongCodes     = 10
	wrongCodesHere = 30
	wrongCodesAll  = 3000
	wrongCodesPer  = 15 * time.Minute
)

// deviceDoor is where devices begin and people let them in.
type deviceDoor struct{ p *Provider }

// routes lists the addresses; none where no devices are let in.
func (d deviceDoor) routes() []Route {
	if d.p.Devices == nil {
		return nil
	}
	return []Route{
		{PathDeviceAuthorization, []string{http.MethodPost}, d.authorization},
		{PathDevice, []string{http.MethodGet, http.MethodPost}, d.page},
		{PathDeviceConfirm, []string{http.MethodPost}, d.confirm},
	}
}

// authorization gives a device a code to wait with, and one for the person
// (RFC 8628 §3.1). It costs one count and one write.
func (d deviceDoor) authorization(w http.ResponseWriter, r *http.Request) {
	p := d.p
	answer, err := d.begin(w, r)
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		retryAfter(w, locked, p.Now())
		writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": slowDown, "error_description": "Too many devices begin. Try again later."})
		return
	}
	if err != nil {
		p.refusals.json(w, r, storeFault(err))
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func retryAfter(w http.ResponseWriter, locked *mfa.LockedError, now time.Time) {
	if s := math.Ceil(locked.Until.Sub(now).Seconds()); s > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(s)))
	}
}

func (d deviceDoor) begin(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	p := d.p
	if err := readForm(w, r); err != nil {
		return nil, err
	}
	ctx := r.Context()
	c, err := p.auth.client(ctx, r, r.PostForm, PathDeviceAuthorization)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(c.GrantTypes, GrantDevice) {
		return nil, refuse(unauthorized, "This client may not use this grant_type.")
	}
	// As for a code: it is what the device will redeem.
	q := &request{client: c, types: []string{"code"}, form: url.Values{"scope": {r.PostForm.Get("scope")}}}
	if err := q.readScopes(); err != nil {
		return nil, err
	}
	from := p.Origin(r)
	if err := p.Devices.Limiter.Take(ctx, p.Devices.begins(c, from)...); err != nil {
		return nil, err
	}
	device, user, err := d.put(ctx, q, from)
	if err != nil {
		return nil, err
	}
	at := p.Issuer + PathDevice
	return map[string]any{
		"device_code": device, "user_code": user, "verification_uri": at, "verification_uri_complete": at + "?user_code=" + user,
		"expires_in": int(deviceFor.Seconds()), "interval": int(devicePace.Seconds()),
	}, nil
}

// tell adds to the metadata where devices begin (RFC 8628 §4).
func (d *Devices) tell(doc map[string]any, issuer string) {
	if d != nil {
		doc["device_authorization_endpoint"] = issuer + PathDeviceAuthorization
	}
}

// among adds the grant to others where it is offered.
func (d *Devices) among(grants ...string) []string {
	if d != nil {
		grants = append(grants, GrantDevice)
	}
	return grants
}

// begins are the budgets of a device that begins. A client that has proven
// itself may begin for many people from one address.
func (d *Devices) begins(c Client, from idp.Origin) []mfa.Budget {
	out := []mfa.Budget{{Key: "device:client:" + string(c.ID), Max: clientBegins, Per: deviceFor, Shared: true}}
	if !c.confidential() {
		out = append(out, mfa.Budget{Key: "device:begin:" + d.Network(from.Address), Max: networkBegins, Per: deviceFor, Shared: true})
	}
	return out
}

// What the rows remember of the device that asked, for the person to compare.
const (
	formDevice  = "device" // signature of the device's own row
	formAddress = "address"
	formAgent   = "agent"
)

// put makes both codes. The row of the device stays as long as what is
// redeemed may be used, so that a second use is recognised (P-04); that of the
// person ends with the code, and the database is asked whether it has.
func (d deviceDoor) put(ctx context.Context, q *request, from idp.Origin) (device, user string, err error) {
	p := d.p
	device, sign, err := p.tokens.make(ctx, devicePrefix)
	if err != nil {
		return "", "", err
	}
	now := p.Now()
	until := now.Add(deviceFor)
	payload, err := record{
		Issued: now.Unix(), Scopes: q.scopes, Until: until.UnixMilli(),
		Form: map[string]string{formDevice: sign, formAddress: from.Address, formAgent: from.Agent},
	}.encode()
	if err != nil {
		return "", "", err
	}
	held := Grant{Kind: KindDevice, Signature: sign, Family: rand.Text(), Client: q.client.ID, Payload: payload, Expires: until.Add(p.Lifetimes.Access)}
	typed := held
	typed.Kind, typed.Expires = KindUserCode, until
	const tries = 5 // two of some thousand codes in 20^8 are hardly ever the same
	for range tries {
		code := newUserCode()
		typed.Signature = p.marks.userCode(code)
		if err = p.Grants.Put(ctx, held, typed); !errors.Is(err, idp.ErrTaken) {
			return device, shownCode(code), err
		}
	}
	return "", "", err
}

// userCode is what the database holds of a user_code: with 34 bits, a plain
// hash would be no secret.
func (k marks) userCode(code string) string { return k.mark("user_code", code) }

// redeemedSignature names the code that a device redeems. No code that comes
// through a browser has such a signature.
func redeemedSignature(device string) string {
	sum := sha256.Sum256([]byte("device\x00" + device))
	return hex.EncodeToString(sum[:])
}

// userAlphabet has no vowels, so that no words come up, and nothing that looks
// like something else (RFC 8628 §6.1): 20^8 is 34.5 bits.
const (
	userAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	userLength   = 8
)

func newUserCode() string {
	const even = 256 / len(userAlphabet) * len(userAlphabet) // more would prefer the first letters
	out, b := make([]byte, 0, userLength), make([]byte, 1)
	for len(out) < userLength {
		if rand.Read(b); int(b[0]) < even {
			out = append(out, userAlphabet[int(b[0])%len(userAlphabet)])
		}
	}
	return string(out)
}

// shownCode is a code as people see it.
func shownCode(code string) string { return code[:userLength/2] + "-" + code[userLength/2:] }

// readUserCode forgives case, hyphens and spaces (RFC 8628 §6.1). It returns
// nothing for what cannot be a code.
func readUserCode(typed string) string {
	var out []rune
	for _, c := range typed {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			continue
		}
		c = unicode.ToUpper(c)
		if len(out) == userLength || !strings.ContainsRune(userAlphabet, c) {
			return ""
		}
		out = append(out, c)
	}
	if len(out) < userLength {
		return ""
	}
	return string(out)
}

// lone reports whether a client is for devices alone: nothing comes to it
// through a browser, so it has no address for that.
func lone(c Client) bool {
	return slices.Contains(c.GrantTypes, GrantDevice) && len(c.ResponseTypes) == 0
}

// asksLone reports whether somebody asks for such a client: the device grant,
// no other that brings people, and no response type.
func asksLone(in Input) bool {
	return slices.Contains(in.GrantTypes, GrantDevice) && !slices.Contains(in.GrantTypes, grantCode) && !slices.Contains(in.GrantTypes, grantImplicit) && len(in.ResponseTypes) == 0
}

// deviceWord is what people write for [GrantDevice], beside the other grants,
// whose names are short.
const deviceWord = "device_code"

// FullGrants writes the names of grant types out that people have shortened.
func FullGrants(names []string) []string {
	out := slices.Clone(names)
	for i, n := range out {
		if n == deviceWord {
			out[i] = GrantDevice
		}
	}
	return out
}

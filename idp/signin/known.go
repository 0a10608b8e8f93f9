package signin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"latchkey/idp"
)

// Marks are what a browser carries from earlier visits, as its cookies say it,
// and what it says of itself.
type Marks struct {
	Known  string // browsers in which somebody has signed in before
	Device string // browsers that somebody trusts
	// Platform is what the page of the password says: the browser can make
	// passkeys by itself. A lie shows a page, and opens nothing.
	Platform bool
}

// A known browser is one in which a person has signed in before. It has a
// budget of wrong passwords of its own, so that strangers who use up the
// account's cannot lock its owner out (B-09; OWASP "device cookies"). The
// cookie lists a few entries "id.mac"; the mac covers the person and their
// epoch, so the cookie names nobody and dies with a password change.
//
// The bytes are the key of the mac.
type knownBrowsers []byte

const (
	knownMost = 6
	knownID   = 16 // bytes
)

// device returns the id of this browser for the person, or "" if it is not known.
func (k knownBrowsers) device(u idp.User, cookie string) string {
	for i, entry := range strings.Split(cookie, "~") {
		id, mac, ok := strings.Cut(entry, ".")
		if i >= knownMost {
			return ""
		}
		if ok && u.ID != "" && hmac.Equal([]byte(mac), []byte(k.mac(u, id))) {
			return id
		}
	}
	return ""
}

// remember returns the cookie with an entry for the person in front.
func (k knownBrowsers) remember(u idp.User, cookie string) string {
	if k.device(u, cookie) != "" {
		return cookie
	}
	b := make([]byte, knownID)
	rand.Read(b)
	id := base64.RawURLEncoding.EncodeToString(b)
	entries := []string{id + "." + k.mac(u, id)}
	for _, e := range strings.Split(cookie, "~") {
		if e != "" && len(e) < 128 && len(entries) < knownMost {
			entries = append(entries, e)
		}
	}
	return strings.Join(entries, "~")
}

func (k knownBrowsers) mac(u idp.User, id string) string {
	m := hmac.New(sha256.New, k)
	fmt.Fprintf(m, "known\x00%s\x00%d\x00%s", u.ID, u.Epoch, id)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16])
}

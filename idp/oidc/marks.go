package oidc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// arrivedParam carries, behind the original query, when a request first
// arrived.
const arrivedParam = "_at"

// arrivedFor is how long the return from the sign-in pages may take. Later the
// request counts as new, so that an old address in a browser's history cannot
// get around prompt=login.
const arrivedFor = time.Hour

// marks is the key with which we recognise what we have given away.
type marks []byte

// mark authenticates parts for one purpose. Nobody can move a mark from one
// purpose or one split of the parts to another.
func (k marks) mark(purpose string, parts ...string) string {
	m := hmac.New(sha256.New, k)
	for _, s := range append([]string{purpose}, parts...) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		m.Write(n[:])
		m.Write([]byte(s))
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// marked compares in constant time.
func (k marks) marked(mac, purpose string, parts ...string) bool {
	return hmac.Equal([]byte(mac), []byte(k.mark(purpose, parts...)))
}

// What a request arrives for. A stamp of one is nothing to the other: what stands
// in an authorization request is anybody's, and means something else there.
const (
	toAuthorize = "arrival"
	toDevice    = "device arrival"
)

// withArrival appends to a query when it first arrived in this browser.
func (k marks) withArrival(purpose, query, browser string, at time.Time) string {
	ms := strconv.FormatInt(at.UnixMilli(), 10)
	return query + "&" + arrivedParam + "=" + ms + "." + k.mark(purpose, browser, ms, query)
}

// cutArrival takes such a value off a query again. What stands elsewhere is
// some parameter that we do not know.
func cutArrival(query string) (original, stamp string) {
	at := strings.LastIndex(query, "&"+arrivedParam+"=")
	if at < 0 || strings.Contains(query[at+1:], "&") {
		return query, ""
	}
	return query[:at], query[at+len(arrivedParam)+2:]
}

// arrival returns when the query first arrived in this browser and whether it
// has been here before. A forged, old or missing stamp means: now.
func (k marks) arrival(purpose, query, stamp, browser string, now time.Time) (time.Time, bool) {
	ms, mac, ok := strings.Cut(stamp, ".")
	if !ok || !k.marked(mac, purpose, browser, ms, query) {
		return now, false
	}
	n, err := strconv.ParseInt(ms, 10, 64)
	at := time.UnixMilli(n)
	if err != nil || at.After(now) || now.Sub(at) > arrivedFor {
		return now, false
	}
	return at, true
}

package trust

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"latchkey/mfa"
)

// The cookie is a list "selector.token~selector.token…", newest first, so that
// several people can trust one browser. The selector is a keyed hash of the
// person: it finds the one entry that is theirs without naming anybody.
const (
	most          = 6
	selectorBytes = 9
	tokenBytes    = 32
	selectorLen   = selectorBytes / 3 * 4 // base64 without padding
	tokenLen      = (tokenBytes*4 + 2) / 3
	entryLen      = selectorLen + 1 + tokenLen
	longest       = 4096 // bytes that a browser keeps of a cookie; beyond it is not ours
)

// entry returns the token that the cookie holds for a person, or "".
func (b *Book) entry(s mfa.SubjectID, cookie string) string {
	want := b.selector(s)
	for _, e := range entries(cookie) {
		if hmac.Equal([]byte(e[:selectorLen]), []byte(want)) {
			return e[selectorLen+1:]
		}
	}
	return ""
}

// remember returns the cookie with a person's new token in front.
func (b *Book) remember(s mfa.SubjectID, token, cookie string) string {
	own := b.selector(s)
	out := []string{own + "." + token}
	for _, e := range entries(cookie) {
		if e[:selectorLen] != own && len(out) < most {
			out = append(out, e)
		}
	}
	return strings.Join(out, "~")
}

// entries lists what in a cookie has the form of an entry. All else is junk and
// is neither looked up nor kept.
func entries(cookie string) (out []string) {
	if len(cookie) > longest {
		return nil
	}
	for e := range strings.SplitSeq(cookie, "~") {
		if len(out) == most {
			break
		}
		if len(e) == entryLen && e[selectorLen] == '.' && encoded(e[:selectorLen]) && encoded(e[selectorLen+1:]) {
			out = append(out, e)
		}
	}
	return out
}

func encoded(s string) bool {
	_, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n") // the decoder skips these
}

func (b *Book) selector(s mfa.SubjectID) string {
	m := hmac.New(sha256.New, b.Secret)
	m.Write([]byte("trust\x00" + string(s)))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:selectorBytes])
}

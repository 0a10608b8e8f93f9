package code

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"latchkey/mfa"
)

// channel is the way by which codes go: where they go to, whether they may, and
// how much of that address is shown.
type channel struct {
	kind      mfa.Kind
	countries []string // see Factor
}

// present is where codes of a credential go now, or empty. E-mail follows the
// account's address: a new one that is verified is a new binding already
// (SECURITY.md T-14), and one that is not gets nothing.
func (ch channel) present(s mfa.Subject, to string) string {
	switch {
	case ch.kind == SMS || to == "":
		return to
	case s.EmailVerified:
		return s.Email
	}
	return ""
}

// address is the subject's own, if a code can be sent there.
func (ch channel) address(s mfa.Subject) (string, error) {
	if ch.kind == Email {
		if !strings.Contains(s.Email, "@") {
			return "", ErrAddress
		}
		return s.Email, nil
	}
	if _, err := numberOf(s.Phone); err != nil {
		return "", err
	}
	return s.Phone, nil
}

// country names where a number belongs, such as "+33 FR"; calling codes alone
// are not enough, because some serve many countries. It is returned even with
// ErrCountry. For e-mail it is empty.
func (ch channel) country(to string) (string, error) {
	if ch.kind != SMS {
		return "", nil
	}
	n, err := numberOf(to)
	if err != nil {
		return "", err
	}
	code, region := "+"+strconv.Itoa(int(n.GetCountryCode())), phonenumbers.GetRegionCodeForNumber(n)
	name := strings.TrimSpace(code + " " + region)
	allowed := len(ch.countries) == 0 || slices.ContainsFunc(ch.countries, func(c string) bool {
		return c == region || strings.HasPrefix(c, "+") && strings.HasPrefix(to, c)
	})
	if !allowed {
		return name, ErrCountry
	}
	return name, nil
}

const hidden = "•••"

// mask shows as much of an address as its owner needs to know which one it is.
// How much is hidden tells nothing of its length.
func (ch channel) mask(to string) string {
	if ch.kind == Email {
		local, domain, _ := strings.Cut(to, "@")
		_, size := utf8.DecodeRuneInString(local)
		return local[:size] + hidden + "@" + domain
	}
	code := ""
	if n, err := phonenumbers.Parse(to, phonenumbers.UNKNOWN_REGION); err == nil {
		code = "+" + strconv.Itoa(int(n.GetCountryCode())) + " "
	}
	return code + "•• •• •• " + to[max(len(to)-2, 0):]
}

// credential is what whoever proves an address will hold.
func (ch channel) credential(to string) (mfa.Credential, error) {
	raw, err := json.Marshal(data{To: to})
	if err != nil {
		return mfa.Credential{}, err
	}
	return mfa.Credential{Kind: ch.kind, Label: ch.mask(to), Data: raw}, nil
}

package connector

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// The fields of a Seen.
const (
	seenLogin  = "login"
	seenName   = "name"
	seenEmail  = "email"
	seenPhone  = "phone"
	seenLang   = "lang"
	seenZone   = "zone"
	seenGroups = "groups"
	seenActive = "active"
	// seenCustomer is new to older ties: all say it once.
	seenCustomer = "customer"
)

// seenOf takes the fingerprints of a user.
func seenOf(c Connection, p Person) Seen {
	out := Seen{}
	for field, value := range map[string]string{
		seenLogin: p.Login, seenName: plain(p.Name), seenEmail: address(p.Email), seenPhone: phone(p.Country, p.Mobile, p.Phone), seenLang: p.Lang, seenZone: p.Zone,
		seenGroups: strings.Join(groupsOf(c, p), "\n"), seenActive: strconv.FormatBool(p.Active), seenCustomer: customerText(c, p),
	} {
		sum := sha256.Sum256([]byte(value))
		out[field] = base64.RawURLEncoding.EncodeToString(sum[:6])
	}
	return out
}

// news are the fields in which Odoo says something else than before.
func (s Seen) news(now Seen) map[string]bool {
	out := map[string]bool{}
	for field, value := range now {
		if s[field] != value {
			out[field] = true
		}
	}
	return out
}

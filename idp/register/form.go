package register

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"latchkey/idp"
	"latchkey/idp/account"
)

// ErrName means that a name cannot be used.
var ErrName = fmt.Errorf("%w: the name cannot be used", idp.ErrInvalid)

// longestName is in bytes.
const longestName = 256

// linked finds what mail programs and chats make a link of.
var linked = regexp.MustCompile(`(?i:@|://|www\.)|[\p{L}\p{N}-]\.[a-z]{2,}`)

// CheckName refuses, with [ErrName], what is no name of a person: whoever asks for
// an account in somebody's name writes to them, and to whoever administers the
// house, by it (SECURITY.md E-11).
func CheckName(name string) error {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > longestName || linked.MatchString(name) || account.Unprintable(name) {
		return ErrName
	}
	return nil
}

// checkAddress refuses what could be read as another address.
func checkAddress(email string) error {
	if !idp.PlainAddress(strings.ToLower(strings.TrimSpace(email))) {
		return fmt.Errorf("%w: the address cannot be used", idp.ErrInvalid)
	}
	return nil
}

// mailbox is where the mail to an address ends up at the great providers: what
// follows a plus is the owner's own, and Gmail reads no dots. It is for counting
// alone, since elsewhere these are several people.
func mailbox(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	local, _, _ = strings.Cut(local, "+")
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}

// siteOf is the network that one customer of a provider may have many others in
// (RFC 6177 §2: up to a /48); empty: the address is none of IPv6.
func siteOf(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return ""
	}
	const site = 48
	p, _ := a.WithZone("").Prefix(site)
	return p.String()
}

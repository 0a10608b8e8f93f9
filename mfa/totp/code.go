package totp

import (
	"crypto/subtle"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

var algorithms = map[string]otp.Algorithm{
	"SHA1":   otp.AlgorithmSHA1,
	"SHA256": otp.AlgorithmSHA256,
	"SHA512": otp.AlgorithmSHA512,
}

// maxInput is how many bytes of input are looked at; a code with separators
// fits many times over.
const maxInput = 64

// normalise brings what people type to the one form that is compared: only
// ASCII digits, or nothing at all. Spaces and hyphens are how apps group the
// digits. Everything else makes the input no code: no digits of other scripts,
// no NUL that one layer would cut at, no leading plus sign. Several spellings
// of one code would be several tries.
func normalise(input string) string {
	if len(input) > maxInput {
		return ""
	}
	code := strings.Map(dropSeparators, input)
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return ""
		}
	}
	return code
}

func dropSeparators(r rune) rune {
	switch r {
	case ' ', '-', '\u00a0':
		return -1
	}
	return r
}

// prove reports whether code is right at this moment and if so burns its step.
// Every candidate of the window is computed and compared to the end.
func (f Factor) prove(d *data, code string) (bool, error) {
	algorithm, known := algorithms[d.Algorithm]
	if !known || d.Period <= 0 {
		return false, fmt.Errorf("totp: unknown settings %s/%d/%d", d.Algorithm, d.Digits, d.Period)
	}
	now := f.Now().Unix() / d.Period
	last := now
	if d.Ahead > 0 {
		last++
	}
	found := int64(-1)
	for step := max(now-1, d.Last+1, 0); step <= last; step++ {
		want, err := hotp.GenerateCodeCustom(d.Secret, uint64(step), hotp.ValidateOpts{Digits: otp.Digits(d.Digits), Algorithm: algorithm})
		if err != nil {
			return false, fmt.Errorf("totp: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step // the latest, should two steps share a code: both are then burnt
		}
	}
	if found < 0 {
		return false, nil
	}
	d.Last = found
	d.Ahead = drift(d.Ahead, found-now)
	return true, nil
}

// address is the otpauth URI of a secret, as Google Authenticator defined it.
// Colons part issuer and account, so neither may have one; some apps show a
// plus sign where a space was meant.
func address(issuer, account string, d data) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	issuer, account = strings.ReplaceAll(issuer, ":", ""), strings.ReplaceAll(account, ":", "")
	label := escape(account)
	if issuer != "" {
		label = escape(issuer) + ":" + label
	}
	query := "secret=" + d.Secret + "&issuer=" + escape(issuer) + "&algorithm=" + d.Algorithm +
		"&digits=" + strconv.Itoa(d.Digits) + "&period=" + strconv.FormatInt(d.Period, 10)
	return "otpauth://totp/" + label + "?" + query
}

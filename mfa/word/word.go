// Package word makes codes of letters and digits that people read, write down
// and type: ten of them, 50 random bits.
//
// It knows nothing of what a code is good for, and never keeps one. 50 bits are
// too few for a fast hash: whoever keeps a code keeps a slow one (ASVS 6.5.2).
package word

import (
	"crypto/rand"
	"strings"
)

// Length is how many letters and digits a code has.
const Length = 10

const (
	maxInput = 64 // bytes

	// alphabet has 32 letters, 5 bits each, in the manner of Crockford: of
	// those that look alike it keeps one, so reading the others as that one is
	// never wrong.
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

// New makes a code.
func New() string {
	raw := make([]byte, Length)
	_, _ = rand.Read(raw) // never fails: see crypto/rand.Read
	for i, b := range raw {
		raw[i] = alphabet[b%32] // 256 is a multiple of 32: all letters are equally likely
	}
	return string(raw)
}

// Shown is a code of New as people see it, in two halves.
func Shown(code string) string { return code[:Length/2] + "-" + code[Length/2:] }

// Read brings what was typed to the form of New, or to nothing when it is no
// code: such input costs no hash.
func Read(input string) string {
	if len(input) > maxInput {
		return ""
	}
	code := strings.Map(letter, input)
	if len(code) != Length || strings.Trim(code, alphabet) != "" {
		return ""
	}
	return code
}

// letter drops separators, ignores case, and reads the letters that the
// alphabet leaves out as the digits that they look like. Other scripts stay as
// they are, and are no code.
func letter(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	switch r {
	case ' ', '-', '\u00a0':
		return -1
	case 'o':
		return '0'
	case 'i', 'l':
		return '1'
	}
	return r
}

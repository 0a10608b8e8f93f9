package password

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // hashes of other systems, checked once and replaced
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// What a hash from elsewhere may cost. Whoever can import a hash must not be
// able to stop the server with it.
const (
	maxRounds     = 10_000_000    // PBKDF2; about 7 s
	maxBcryptCost = 15            // about 2 s
	maxMemory     = 1 << 20       // KiB: 1 GiB
	maxWork       = 4 * (1 << 20) // argon2: KiB × passes
	maxBlocks     = 1 << 23       // scrypt: N × r × p
	maxEncoded    = 1024          // bytes of the string
)

// verifier is a stored hash that can be compared with a password.
type verifier interface {
	verify(plain []byte) bool
}

var errFormat = errors.New("unknown format")

// formats are the hashes that can be verified, by what their strings start
// with. A new one is one entry.
var formats = []struct {
	prefix string
	parse  func(rest string) (verifier, error)
}{
	{"$argon2id$", func(s string) (verifier, error) { return parseArgon("argon2id", s) }},
	{"$argon2i$", func(s string) (verifier, error) { return parseArgon("argon2i", s) }},
	{"$pbkdf2-sha512$", func(s string) (verifier, error) { return parsePBKDF2(sha512.New, s) }},
	{"$pbkdf2-sha256$", func(s string) (verifier, error) { return parsePBKDF2(sha256.New, s) }},
	{"$pbkdf2$", func(s string) (verifier, error) { return parsePBKDF2(sha1.New, s) }},
	{"$2a$", func(s string) (verifier, error) { return parseBcrypt("$2a$" + s) }},
	{"$2b$", func(s string) (verifier, error) { return parseBcrypt("$2b$" + s) }},
	{"$2y$", func(s string) (verifier, error) { return parseBcrypt("$2y$" + s) }},
	{"$scrypt$", parseScrypt},
}

// parse reads a stored hash. It checks everything that verify relies on.
func parse(encoded string) (verifier, error) {
	if len(encoded) <= maxEncoded {
		for _, f := range formats {
			if rest, ok := strings.CutPrefix(encoded, f.prefix); ok {
				return f.parse(rest)
			}
		}
	}
	return nil, errFormat
}

// argon is `$argon2id$v=19$m=…,t=…,p=…$salt$key` in the PHC string format.
type argon struct {
	kind   string
	params Params
	salt   []byte
	key    []byte
}

func (a argon) String() string {
	return fmt.Sprintf("$%s$v=%d$m=%d,t=%d,p=%d$%s$%s", a.kind, argon2.Version, a.params.Memory, a.params.Time, a.params.Threads,
		base64.RawStdEncoding.EncodeToString(a.salt), base64.RawStdEncoding.EncodeToString(a.key))
}

func (a argon) verify(plain []byte) bool {
	derive := argon2.IDKey
	if a.kind == "argon2i" {
		derive = argon2.Key
	}
	return same(a.key, derive(plain, a.salt, a.params.Time, a.params.Memory, a.params.Threads, uint32(len(a.key))))
}

func parseArgon(kind, rest string) (verifier, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 4 || parts[0] != "v="+strconv.Itoa(argon2.Version) {
		return nil, errFormat
	}
	n, err := settings(parts[1], "m", "t", "p")
	if err != nil {
		return nil, err
	}
	m, t, p := n[0], n[1], n[2]
	if m < 8*p || m > maxMemory || t < 1 || m*t > maxWork || p < 1 || p > 64 {
		return nil, fmt.Errorf("argon2 parameters m=%d, t=%d, p=%d are out of bounds", m, t, p)
	}
	salt, key, err := saltAndKey(base64.RawStdEncoding, parts[2], parts[3])
	if err != nil {
		return nil, err
	}
	return argon{kind: kind, params: Params{Memory: uint32(m), Time: uint32(t), Threads: uint8(p)}, salt: salt, key: key}, nil
}

// settings reads `name=number,…` in that order.
func settings(text string, names ...string) ([]uint64, error) {
	parts := strings.Split(text, ",")
	if len(parts) != len(names) {
		return nil, errFormat
	}
	out := make([]uint64, len(names))
	for i, name := range names {
		digits, ok := strings.CutPrefix(parts[i], name+"=")
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil {
			return nil, errFormat
		}
		out[i] = n
	}
	return out, nil
}

// saltAndKey decodes the end of a hash. A key that is short, or empty, would
// match too much.
func saltAndKey(e *base64.Encoding, saltText, keyText string) (salt, key []byte, err error) {
	salt, err1 := e.DecodeString(saltText)
	key, err2 := e.DecodeString(keyText)
	if err1 != nil || err2 != nil || len(salt) > 256 || len(key) < 16 || len(key) > 256 {
		return nil, nil, errFormat
	}
	return salt, key, nil
}

// pbkdf2Hash is passlib's `$pbkdf2-sha512$rounds$salt$key`, in base64 with a
// full stop for the plus sign and no padding. Odoo stores these.
type pbkdf2Hash struct {
	digest    func() hash.Hash
	rounds    int
	salt, key []byte
}

func (p pbkdf2Hash) verify(plain []byte) bool {
	key, err := pbkdf2.Key(p.digest, string(plain), p.salt, p.rounds, len(p.key))
	return err == nil && same(p.key, key) && !padded(plain)
}

// padded reports whether a password has a NUL. HMAC fills short keys up with
// those, so PBKDF2 and scrypt would take "secret" and "secret\x00" for one.
func padded(plain []byte) bool { return bytes.IndexByte(plain, 0) >= 0 }

func parsePBKDF2(digest func() hash.Hash, rest string) (verifier, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return nil, errFormat
	}
	rounds, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil {
		return nil, errFormat
	}
	if rounds < 1 || rounds > maxRounds {
		return nil, fmt.Errorf("%d rounds are out of bounds (1 to %d)", rounds, maxRounds)
	}
	plus := strings.NewReplacer(".", "+")
	salt, key, err := saltAndKey(base64.RawStdEncoding, plus.Replace(parts[1]), plus.Replace(parts[2]))
	if err != nil || len(key) != digest().Size() {
		return nil, errFormat
	}
	return pbkdf2Hash{digest: digest, rounds: int(rounds), salt: salt, key: key}, nil
}

// bcryptHash is `$2b$cost$…`. The algorithm itself sees 72 bytes at most: so
// did whoever made the hash, and the first sign-in replaces it by ours, which
// sees all of them. The cut is made here because the library cuts in one
// function and refuses in another.
type bcryptHash string

const bcryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (b bcryptHash) verify(plain []byte) bool {
	return bcrypt.CompareHashAndPassword([]byte(b), plain[:min(len(plain), 72)]) == nil
}

func parseBcrypt(encoded string) (verifier, error) {
	cost, err := bcrypt.Cost([]byte(encoded))
	if err != nil || len(encoded) != 60 || strings.Trim(encoded[len("$2a$10$"):], bcryptAlphabet) != "" {
		return nil, errFormat
	}
	if cost > maxBcryptCost {
		return nil, fmt.Errorf("bcrypt cost %d is out of bounds (%d to %d)", cost, bcrypt.MinCost, maxBcryptCost)
	}
	return bcryptHash(encoded), nil
}

// scryptHash is passlib's `$scrypt$ln=…,r=…,p=…$salt$key`.
type scryptHash struct {
	n, r, p   int
	salt, key []byte
}

func (s scryptHash) verify(plain []byte) bool {
	key, err := scrypt.Key(plain, s.salt, s.n, s.r, s.p, len(s.key))
	return err == nil && same(s.key, key) && !padded(plain)
}

func parseScrypt(rest string) (verifier, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return nil, errFormat
	}
	v, err := settings(parts[0], "ln", "r", "p")
	if err != nil {
		return nil, err
	}
	ln, r, p := v[0], v[1], v[2]
	if ln < 1 || ln > 22 || r < 1 || r > 64 || p < 1 || p > 64 || (r*p)<<ln > maxBlocks {
		return nil, fmt.Errorf("scrypt parameters ln=%d, r=%d, p=%d are out of bounds", ln, r, p)
	}
	salt, key, err := saltAndKey(base64.RawStdEncoding, parts[1], parts[2])
	if err != nil {
		return nil, err
	}
	return scryptHash{n: 1 << ln, r: int(r), p: int(p), salt: salt, key: key}, nil
}

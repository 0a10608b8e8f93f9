package passkey

import (
	_ "embed"
	"encoding/hex"
	"strings"
	"sync"
)

//go:embed models.txt
var modelFile string

// models are product names by AAGUID in small letters.
var models = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(modelFile) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && id != "#" {
			out[id] = name
		}
	}
	return out
})

// Model is the product name that belongs to an AAGUID, or empty. It is for
// people to tell their passkeys apart, and no proof of the make.
func Model(aaguid string) string { return models()[strings.ToLower(aaguid)] }

// aaguid writes the 16 bytes as everybody does (RFC 9562 §4).
func aaguid(raw []byte) string {
	if len(raw) != 16 {
		return ""
	}
	h := hex.EncodeToString(raw)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

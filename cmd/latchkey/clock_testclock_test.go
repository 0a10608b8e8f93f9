//go:build testclock

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"latchkey/config"
)

// C-08: a test build moves its clock, and serves nobody but this machine.
func TestClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	t.Setenv("LATCHKEY_TEST_CLOCK_FILE", file)
	now := clock()
	for text, want := range map[string]time.Duration{"": 0, "36h\n": 36 * time.Hour, "-90s": -90 * time.Second, "nonsense": 0} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if off := time.Until(now()) - want; off.Abs() > time.Second {
			t.Errorf("%q moves the clock by %s too much", text, off)
		}
	}
	if clockAllowed(config.Config{Issuer: "https://id.example.org"}) == nil {
		t.Error("a test build serves a public issuer")
	}
	if err := clockAllowed(config.Config{Issuer: "http://localhost:8080"}); err != nil {
		t.Error(err)
	}
}

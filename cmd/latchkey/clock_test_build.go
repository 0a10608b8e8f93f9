//go:build testclock

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"latchkey/config"
)

// clock is the system's, moved by the duration in the file that
// LATCHKEY_TEST_CLOCK_FILE names. The file is read again at every use, so that
// a test can move a running server. A file that says no duration moves nothing.
func clock() func() time.Time {
	file := os.Getenv("LATCHKEY_TEST_CLOCK_FILE")
	if file == "" {
		return time.Now
	}
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			return time.Now()
		}
		by, _ := time.ParseDuration(strings.TrimSpace(string(text)))
		return time.Now().Add(by)
	}
}

var errTestBuild = errors.New("this is a test build, whose clock can be moved: it serves loopback issuers only")

// clockAllowed keeps a test build out of production (C-08): whoever can write
// the clock's file could revive codes and sessions.
func clockAllowed(cfg config.Config) error {
	if !config.LoopbackIssuer(cfg.Issuer) {
		return fmt.Errorf("issuer %s: %w", cfg.Issuer, errTestBuild)
	}
	return nil
}

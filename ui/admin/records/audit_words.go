package records

import (
	"fmt"
	"strings"
	"time"

	"latchkey/idp/audit"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// whatOf is an event's name in words; empty where there are none: the code stands
// beside it anyway.
func whatOf(c *page.Context, what string) string {
	name := strings.ReplaceAll(what, "-", "_")
	for _, words := range []string{"event.", "security.event."} {
		if key := words + name; c.Words.Has(key) {
			return c.Words.T(key)
		}
	}
	return ""
}

// resultOf is a result in words, or as the log has it.
func resultOf(c *page.Context, result string) string {
	if result == audit.Failed {
		return c.Words.T("admin.audit.result_failed")
	}
	if key := "security.result." + result; c.Words.Has(key) {
		return c.Words.T(key)
	}
	return result
}

func chipOf(result string) string {
	switch result {
	case "ok":
		return "chip-good"
	case "denied", "locked", "revoked":
		return "chip-bad"
	}
	return "chip-warn"
}

// brokenOf says what a check found first.
func brokenOf(c *page.Context, b *audit.Break) string {
	if b == nil {
		return ""
	}
	return c.Words.T("admin.audit.broken_at", b.Seq, c.Words.T(fmt.Sprintf("admin.audit.kind.%s", b.Kind)))
}

// foundOf says more about it, with moments as when writes them. It is empty where
// there are no words for it.
func foundOf(c *page.Context, b *audit.Break, when func(time.Time) string) string {
	facts := make([]string, len(b.Facts))
	for i, f := range b.Facts {
		facts[i] = f
		if t, err := time.Parse(time.RFC3339, f); err == nil {
			facts[i] = when(t)
		}
	}
	return admin.Sentence(c.Words, "admin.audit.found."+b.Code, audit.Sentences[b.Code], facts)
}

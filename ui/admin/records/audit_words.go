package records

import (
	"fmt"
	"strings"

	"latchkey/idp/audit"
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

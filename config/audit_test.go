package config

import (
	"strings"
	"testing"
	"time"
)

// D-09, P-28: what would lose the log, or send it where others read it, is refused.
func TestAudit(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want string // in the mistake; empty: none
	}{
		{nil, ""},
		{[]string{"LATCHKEY_RETENTION_EVENTS=0"}, ""},
		{[]string{"LATCHKEY_RETENTION_EVENTS=89"}, "retention.events"},
		{[]string{"LATCHKEY_AUDIT_WEBHOOK_URL=https://siem.example.org/x", "LATCHKEY_AUDIT_WEBHOOK_SECRET=0123456789abcdef"}, ""},
		{[]string{"LATCHKEY_AUDIT_WEBHOOK_URL=https://siem.example.org/x"}, "audit.webhook.secret"},
		{[]string{"LATCHKEY_AUDIT_WEBHOOK_URL=https://siem.example.org/x", "LATCHKEY_AUDIT_WEBHOOK_SECRET=short"}, "audit.webhook.secret"},
		{[]string{"LATCHKEY_AUDIT_WEBHOOK_URL=http://siem.example.org/x", "LATCHKEY_AUDIT_WEBHOOK_SECRET=0123456789abcdef"}, "audit.webhook.url"},
		{[]string{"LATCHKEY_AUDIT_SYSLOG_ADDRESS=tls://siem.example.org:6514"}, ""},
		{[]string{"LATCHKEY_AUDIT_SYSLOG_ADDRESS=udp://10.0.0.1:514"}, ""},
		{[]string{"LATCHKEY_AUDIT_SYSLOG_ADDRESS=tls://siem.example.org"}, "audit.syslog.address"},
		{[]string{"LATCHKEY_AUDIT_SYSLOG_ADDRESS=siem.example.org:514"}, "audit.syslog.address"},
	} {
		cfg, err := Load("", c.env)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.env, err)
		}
		if err != nil && strings.Contains(err.Error(), "short") {
			t.Errorf("the secret shows: %v", err)
		}
		if c.env == nil && cfg.Audit.Keep != 400*24*time.Hour {
			t.Errorf("kept for %s", cfg.Audit.Keep)
		}
	}
}

package rulebook

import (
	"net/netip"
	"time"

	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Template is a policy to begin from.
type Template struct {
	Name   string // of its words
	Policy policy.Policy
}

// ahead is how many days a template gives people to set up a second factor.
const ahead = 60

// Templates are what most houses want. They carry no exemptions and no ids, and
// are switched on: nothing holds before it is published.
func Templates(now time.Time) []Template {
	deadline := policy.Date(now.UTC().AddDate(0, 0, ahead).Format(time.DateOnly))
	private := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")}
	days := func(n int) *policy.Devices { return &policy.Devices{Days: n} }
	return []Template{
		{"employees", policy.Policy{Name: "employees-second-factor", Enabled: true, Whom: policy.Whom{Kind: "internal"}, What: policy.What{
			Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 14},
		}}},
		{"portal", policy.Policy{Name: "portal-second-factor", Enabled: true, Whom: policy.Whom{Kind: "portal"}, What: policy.What{
			Assurance: policy.MFA, Enrolment: policy.Enrolment{Deadline: deadline}, Devices: days(30),
		}}},
		{"staff", policy.Policy{Name: "staff-phishing-resistant", Enabled: true, Whom: policy.Whom{Kind: "internal"}, What: policy.What{
			Assurance: policy.PhishingResistant, Methods: []mfa.Kind{"passkey"}, Enrolment: policy.Enrolment{Deadline: deadline},
		}}},
		{"administrators", policy.Policy{Name: "administrators-phishing-resistant", Enabled: true, Whom: policy.Whom{Administrators: true}, What: policy.What{
			Assurance: policy.PhishingResistant, Enrolment: policy.Enrolment{GraceDays: 14}, // M-15; time, so that nobody is locked out on the first day
		}}},
		{"outside", policy.Policy{Name: "second-factor-outside", Enabled: true, Whom: policy.Whom{Everyone: true}, Where: policy.Where{Networks: policy.Networks{NotIn: private}}, What: policy.What{
			Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 14},
		}}},
		{"nosms", policy.Policy{Name: "no-sms", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{
			Methods: []mfa.Kind{"totp", "passkey", "backup"}, Enrolment: policy.Enrolment{Deadline: deadline},
		}}},
		{"pci", policy.Policy{Name: "pci", Enabled: true, Whom: policy.Whom{Kind: "internal"}, What: policy.What{
			Assurance: policy.MFA, Devices: days(0), Session: policy.Session{Absolute: 12 * time.Hour, Idle: 15 * time.Minute}, Lock: "hard",
		}}},
	}
}

// Package policy decides what a person must prove, from facts alone. It reads
// no database and no clock, so sign-in, self-service, preview and tests ask
// the same function.
//
// All policies that concern a person combine, and in each dimension the
// strictest one wins: no policy takes away what another demands.
package policy

import (
	"net/netip"
	"slices"
	"time"

	"latchkey/mfa"
)

// Assurance is how much proof is wanted.
type Assurance string

// From least to most.
const (
	None              Assurance = "none" // whoever holds a second factor is asked for it
	MFA               Assurance = "mfa"
	PhishingResistant Assurance = "phishing-resistant"
)

var assurances = []Assurance{None, MFA, PhishingResistant}

// rank orders assurances. One that is not known counts as the highest: a
// policy that cannot be read must not open a door.
func (a Assurance) rank() int {
	if a == "" {
		return 0
	}
	if i := slices.Index(assurances, a); i >= 0 {
		return i
	}
	return len(assurances)
}

// Policy says what holds for whom.
type Policy struct {
	ID      string `yaml:"-" json:"id,omitempty"` // of the store; files know policies by name
	Name    string `yaml:"name" json:"name"`
	Enabled bool   `yaml:"enabled" json:"enabled"`
	Whom    Whom   `yaml:"whom" json:"whom"`
	Where   Where  `yaml:"where,omitempty" json:"where,omitzero"`
	What    What   `yaml:"what" json:"what"`
}

// Whom selects people; see [Whom.Matches].
type Whom struct {
	Everyone bool   `yaml:"everyone,omitempty" json:"everyone,omitempty"`
	Kind     string `yaml:"kind,omitempty" json:"kind,omitempty"` // internal or portal
	// Administrators are all who hold a role in the administration, whichever it is.
	Administrators bool     `yaml:"administrators,omitempty" json:"administrators,omitempty"`
	Groups         []string `yaml:"groups,omitempty" json:"groups,omitempty"`
	Users          []string `yaml:"users,omitempty" json:"users,omitempty"` // by e-mail, login or id
	Except         []Except `yaml:"except,omitempty" json:"except,omitempty"`
}

// Except leaves one person out for a while. No exemption is for ever.
type Except struct {
	User  string `yaml:"user" json:"user"`
	Until Date   `yaml:"until" json:"until"`
}

// Date is a day, YYYY-MM-DD, in UTC.
type Date string

// Where selects doors. The zero value is everywhere.
type Where struct {
	Clients  []string `yaml:"clients,omitempty" json:"clients,omitempty"` // client ids
	Networks Networks `yaml:"networks,omitempty" json:"networks,omitzero"`
}

// Networks selects where a request comes from, by CIDR. An address that is
// not known is selected, and In of all IPv4 selects IPv6, too: when in doubt, a
// policy holds.
type Networks struct {
	In    []netip.Prefix `yaml:"in,omitempty" json:"in,omitempty"` // none = all
	NotIn []netip.Prefix `yaml:"not_in,omitempty" json:"not_in,omitempty"`
}

// What is what a policy demands. Zero values demand nothing.
type What struct {
	Assurance Assurance  `yaml:"assurance,omitempty" json:"assurance,omitempty"`
	Methods   []mfa.Kind `yaml:"methods,omitempty" json:"methods,omitempty"` // those that count; none named = all
	// Enrolment says from when on Assurance and Methods hold; the zero value: at once.
	Enrolment Enrolment         `yaml:"enrolment,omitempty" json:"enrolment,omitzero"`
	Devices   *Devices          `yaml:"trusted_devices,omitempty" json:"trusted_devices,omitempty"` // nil: not said
	Session   Session           `yaml:"session,omitempty" json:"session,omitzero"`
	Codes     Codes             `yaml:"codes,omitempty" json:"codes,omitzero"`
	Passkeys  Passkeys          `yaml:"passkeys,omitempty" json:"passkeys,omitzero"`
	Lock      string            `yaml:"lock,omitempty" json:"lock,omitempty"`     // soft (default) or hard
	Banner    map[string]string `yaml:"banner,omitempty" json:"banner,omitempty"` // text by language
}

// What Lock can say. A hard lock counts wrong passwords over all browsers
// together and lasts half an hour (PCI DSS 8.3.4, SECURITY.md N-06): strangers
// can lock somebody out by it, which a soft one does not let them (B-09).
const (
	lockHard = "hard"
	lockSoft = "soft"
)

// Enrolment gives people time to set up what a policy demands. At most one of
// Deadline and GraceDays is set; of both the earlier counts.
type Enrolment struct {
	Deadline  Date `yaml:"deadline,omitempty" json:"deadline,omitempty"`     // the first day on which it is demanded, from 00:00 UTC
	GraceDays int  `yaml:"grace_days,omitempty" json:"grace_days,omitempty"` // counted from each person's first sign-in under the policy
}

// Devices says for how many days a browser may be trusted; 0 = not at all.
type Devices struct {
	Days int `yaml:"days" json:"days"`
}

// What Passkeys can say.
const (
	clonesRefuse        = "refuse"
	clonesWarn          = "warn"
	attestationRequired = "required"
	attestationNone     = "none"
)

// Session bounds sessions; zero values leave it to the house.
type Session struct {
	Absolute time.Duration `yaml:"absolute,omitempty" json:"absolute,omitempty"`
	Idle     time.Duration `yaml:"idle,omitempty" json:"idle,omitempty"`
}

// Codes bounds codes that are sent; zero values leave it to the defaults.
type Codes struct {
	Validity time.Duration `yaml:"validity,omitempty" json:"validity,omitempty"` // 1 to 10 minutes
	Digits   int           `yaml:"digits,omitempty" json:"digits,omitempty"`     // 6 to 10
	Tries    int           `yaml:"tries,omitempty" json:"tries,omitempty"`       // 1 to 10
}

// Passkeys says which passkeys will do.
type Passkeys struct {
	Clones      string   `yaml:"clones,omitempty" json:"clones,omitempty"`           // refuse, or warn (default)
	Attestation string   `yaml:"attestation,omitempty" json:"attestation,omitempty"` // required, or none (default)
	Models      []string `yaml:"models,omitempty" json:"models,omitempty"`           // AAGUIDs; none named = all
}

package connector

import (
	"context"
	"regexp"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// Connection is one Odoo that an administrator named. The store seals it, for
// it holds a key to all of Odoo.
type Connection struct {
	ID       string       `json:"id"` // such as "shop"; what command lines call it
	URL      string       `json:"url"`
	Database string       `json:"database"`
	Login    string       `json:"login"`
	Key      string       `json:"key"` // an API key, or a password
	Client   idp.ClientID `json:"client"`
	Provider int64        `json:"provider"` // id of the row of auth.oauth.provider
	// Since is when Latchkey made that row; links from before are gone. Zero: it
	// was there before.
	Since time.Time `json:"since,omitzero"`
	// Reach is the address at which Odoo's server reaches Latchkey; empty: the issuer.
	Reach    string    `json:"reach,omitempty"`
	Facts    Facts     `json:"facts"`
	Lock     Lock      `json:"lock"`
	Settings Settings  `json:"settings"`
	Created  time.Time `json:"created"`

	Health Health `json:"-"` // kept beside, for it changes all the time
}

// Facts are what was read from an Odoo when it was connected, or looked at by
// the doctor.
type Facts struct {
	Version    rpc.Version       `json:"version"`
	Protocol   rpc.Protocol      `json:"protocol"`
	Modules    []string          `json:"modules"`        // those of interest that are installed
	Base       string            `json:"base"`           // web.base.url
	UUID       string            `json:"uuid,omitempty"` // database.uuid; a copy has that of its original
	Hosts      []string          `json:"hosts"`          // all addresses of this Odoo, such as https://shop.example.org
	Languages  []string          `json:"languages"`      // such as fr_FR
	OpenSignup bool              `json:"open_signup"`
	Company    Company           `json:"company"`
	Users      int               `json:"users"` // active ones
	Linked     int               `json:"linked"`
	Before     map[string]string `json:"before,omitempty"` // settings as they were before Latchkey changed them
	Read       time.Time         `json:"read"`
}

// Has reports whether a module is installed.
func (f Facts) Has(module string) bool {
	for _, m := range f.Modules {
		if m == module {
			return true
		}
	}
	return false
}

// Company is how the main company looks.
type Company struct {
	Name      string `json:"name"`
	Primary   string `json:"primary,omitempty"` // #rrggbb
	Secondary string `json:"secondary,omitempty"`
	Logo      string `json:"logo,omitempty"` // base64, at most 64 KiB
}

// Lock says that Odoo's own passwords of linked people are replaced.
type Lock struct {
	At     time.Time `json:"at"` // zero: not locked
	Except []string  `json:"except,omitempty"`
	Before int64     `json:"before,omitempty"` // the highest res.users id that was looked at
}

// Settings are what an administrator chooses for one connection.
type Settings struct {
	// Archive archives people in Odoo who are disabled here; otherwise they are
	// only signed out there.
	Archive bool `json:"archive,omitempty"`
	// Contacts lets somebody who is a contact in Odoo without a user become a
	// portal user at their first sign-in.
	Contacts bool `json:"contacts,omitempty"`
	// Newcomers lets a customer whom Odoo does not know at all become a portal user,
	// with a contact of their own, at their first sign-in.
	Newcomers bool `json:"newcomers,omitempty"`
	// Invite mails people whom the synchronisation brings in a way to their first
	// password here.
	Invite bool `json:"invite,omitempty"`
	// KeepLocked lets the synchronisation replace the passwords in Odoo of people
	// who come after a lock, or come in past us.
	KeepLocked bool `json:"keep_locked,omitempty"`
	// Groups maps groups of Odoo, by XML id, to groups here; "": see groupPrefix.
	Groups map[string]string `json:"groups,omitempty"`
	// Leads makes portal users who are a company's own contact its main contact
	// here, who looks after its people.
	Leads bool `json:"leads,omitempty"`
	// Import says who is brought in, and how.
	Import Options `json:"import"`
	// Trickle asks Odoo for the first password of people who have none here.
	Trickle bool `json:"trickle,omitempty"`
	// Sync keeps both sides in step; an import turns it on.
	Sync bool `json:"sync,omitempty"`
}

// Health is how the last contact went.
type Health struct {
	Good    time.Time `json:"good"`    // the last that worked
	Failed  time.Time `json:"failed"`  // the last that did not
	Failure string    `json:"failure"` // why, in English; empty: it is well again
	Why     Reason    `json:"why"`
}

// Well reports whether the last contact worked.
func (h Health) Well() bool { return h.Failure == "" }

// silent reports whether there was no answer at all.
func (h Health) silent() bool { return strings.Contains(h.Failure, rpc.ErrUnreachable.Error()) }

// Connections stores connections, sealed.
type Connections interface {
	All(ctx context.Context) ([]Connection, error)
	// ByID fails with idp.ErrNotFound.
	ByID(ctx context.Context, id string) (Connection, error)
	// ByClient finds the connection of a client, or fails with idp.ErrNotFound.
	ByClient(ctx context.Context, id idp.ClientID) (Connection, error)
	// Add fails with idp.ErrTaken.
	Add(ctx context.Context, c Connection) error
	// Save changes everything but the health, or fails with idp.ErrNotFound.
	Save(ctx context.Context, c Connection) error
	Remove(ctx context.Context, id string) error
	// Heard notes how a contact went; nil: well.
	Heard(ctx context.Context, id string, at time.Time, failure error) error

	// State returns a small text that a background task keeps for a connection,
	// such as a high-water mark; "" when there is none.
	State(ctx context.Context, id, name string) (string, error)
	SetState(ctx context.Context, id, name, value string) error
	// Claim makes one instance the only one to do a task until a moment, or fails
	// with idp.ErrBusy: somebody else does it. The holder may claim again.
	Claim(ctx context.Context, id, task, holder string, until time.Time) error
}

// nameOf is what an id may look like; it is part of a client's id.
var nameOf = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// slug makes an id of a name, such as "my-company" of "My Company".
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := b.String()
	return strings.Trim(s[:min(len(s), 40)], "-")
}

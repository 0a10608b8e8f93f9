// Package power tells the owners of the house what changes the power in it:
// somebody got a role, a program may change things, a policy demands less, what
// guards the administration was taken back, keys were withdrawn, the server's
// command line opened a way in (SECURITY.md D-07, M-10). Who takes a house over
// begins with one of these, and nobody reads the log every day.
//
// It stands at the one door through which all events go into the log ([Log]), so
// that no use case can forget it, and writes in the same transaction. What an
// event means is a pure function ([Of]). It writes no texts, and nobody can switch
// it off.
package power

import (
	"slices"
	"strings"
	"time"

	"latchkey/idp"
)

// Kind is what kind of change it is.
type Kind string

const (
	Role    Kind = "power_role"    // somebody got a role, or a higher one, or is let in again who has one
	Program Kind = "power_program" // a token or a service may change things in the house, is let in again or has a new secret
	Policy  Kind = "power_policy"  // a policy that was in force demands less
	Guard   Kind = "power_guard"   // the administration is guarded less
	Keys    Kind = "power_keys"    // a signing key was withdrawn
	Keyring Kind = "power_keyring" // what seals the database's secrets was changed, which only the server's command line does
	Host    Kind = "power_host"    // the server's command line opened a way into an account of the administration, to own the house, or to all that it keeps
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Role, Program, Policy, Guard, Keys, Keyring, Host} }

// Quiet is for how long the same person hears no more of the same done to the same
// by the same one, and of the same role that one gives: an import of a thousand administrators is one mail, and the log has them
// all.
const Quiet = time.Minute

// Change is one change of the power in the house.
type Change struct {
	Kind  Kind
	Event string // what it is called in the log
	At    time.Time
	By    idp.UserID // empty: the server's command line, or the house itself
	About idp.UserID // the account that it is about; empty: none
	// Doer and Whom are their logins, where they have any.
	Doer, Whom string
	Origin     idp.Origin
	Role       idp.Role // Role: which it is now
	Before     idp.Role // Role: which it was
	// Name is the policy's, the token's or service's, or the key's id.
	Name string
	// Parts are the fields of a policy that demand less, as files name them
	// ("enabled": it is switched off or removed); the rights of a program; the
	// settings ("messages": the words of these mails).
	Parts []string
}

// ByHost reports whether it was done on the server's command line.
func (c Change) ByHost() bool {
	return c.By == "" && strings.HasPrefix(c.Origin.Agent, "command line")
}

// readings say what an event means, by its name.
var readings = map[string]func(idp.Event, *Change) bool{
	"user.add":        role,
	"user.update":     role,
	"user.enable":     role,
	"token.make":      token,
	"client.add":      service,
	"client.update":   service,
	"client.enable":   service,
	"client.rotate":   service,
	"policy.publish":  loosened,
	"policy.disable":  loosened,
	"policy.exempt":   loosened,
	"policy.rollback": loosened,
	"policy.remove":   loosened,
	"settings.change": guard,
	"message.change":  reworded,
	"key.revoke":      key,
	"keyring.add":     keyring,
	"keyring.rotate":  keyring,
	"keyring.forget":  keyring,
	"owner.offer":     host,
	"backup.make":     copied,
	"backup.restore":  host,
	"password.set":    host, "factor.reset": host, "factor.temporary": host, "factor.invite": host, "user.invite": host,
}

// Of says what change of power an event is, if it is one. For a change of kind
// Host about an account, and for one that is enabled, the caller knows whether
// that has a role; without one it is none.
func Of(e idp.Event) (Change, bool) {
	read, known := readings[e.What]
	if !known || e.Result != "ok" {
		return Change{}, false
	}
	c := Change{Event: e.What, At: e.At, By: e.Actor, About: e.User, Origin: e.Origin}
	return c, read(e, &c)
}

// role is told when it is higher than before. A role that this version does not
// know counts as higher.
func role(e idp.Event, c *Change) bool {
	c.Kind, c.Role, c.Before = Role, idp.Role(e.Detail["role.after"]), idp.Role(e.Detail["role.before"])
	if e.What == "user.add" {
		c.Role = idp.Role(e.Detail["role"])
	}
	if e.What == "user.enable" || !c.Role.Within(c.Before) {
		return true
	}
	return e.What == "user.update" && host(e, c)
}

func token(e idp.Event, c *Change) bool {
	c.Kind, c.Name, c.Parts = Program, e.Detail["name"], writing(strings.Fields(e.Detail["scopes"]))
	return len(c.Parts) > 0
}

// service is a client that got rights in the house, or has them and is let in, or
// proves itself anew: whoever has the new secret has its rights.
func service(e idp.Event, c *Change) bool {
	had := strings.Fields(e.Detail["scopes.before"])
	c.Kind, c.Name = Program, string(e.Client)
	if e.What == "client.enable" || e.What == "client.rotate" {
		c.Parts = writing(strings.Fields(e.Detail["scopes"]))
		return len(c.Parts) > 0
	}
	for _, r := range writing(strings.Fields(e.Detail["scopes.after"])) {
		if !slices.Contains(had, r) {
			c.Parts = append(c.Parts, r)
		}
	}
	return len(c.Parts) > 0
}

// writing are the rights among some scopes that do more than see.
func writing(scopes []string) (out []string) {
	for _, r := range idp.Rights() {
		if slices.Contains(scopes, string(r)) && !strings.HasSuffix(string(r), ":read") {
			out = append(out, string(r))
		}
	}
	return out
}

// loosened is what package rulebook found when the policy was changed.
func loosened(e idp.Event, c *Change) bool {
	c.Kind, c.Name, c.Parts = Policy, e.Detail["policy"], strings.Fields(e.Detail["weaker"])
	return len(c.Parts) > 0
}

// guard is told when administrators prove less than before, or act alone.
func guard(e idp.Event, c *Change) bool {
	c.Kind = Guard
	if e.Detail["second_approver.before"] == "true" {
		c.Parts = append(c.Parts, "second_approver")
	}
	if e.Detail["assurance.before"] == idp.PhishingResistant {
		c.Parts = append(c.Parts, "assurance")
	}
	return len(c.Parts) > 0
}

// reworded is told when what owners are told gets other words: they are the first
// that somebody would make harmless. This mail still has those of before.
func reworded(e idp.Event, c *Change) bool {
	c.Kind, c.Parts = Guard, []string{"messages"}
	return slices.Contains(Kinds(), Kind(e.Detail["message"]))
}

func key(e idp.Event, c *Change) bool {
	c.Kind, c.Name = Keys, e.Detail["kid"]
	return true
}

func keyring(e idp.Event, c *Change) bool {
	c.Kind, c.Name = Keyring, e.Detail["key"]
	return true
}

// copied is told when the copy opens itself: one without the keyring is made each
// night.
func copied(e idp.Event, c *Change) bool {
	return e.Detail["keyring"] == "true" && host(e, c)
}

// host is what the command line does that lets somebody into an account: who has a
// shell on the server needs nobody's password.
func host(e idp.Event, c *Change) bool {
	c.Kind = Host
	if e.What == "user.update" { // a new password, or an address to which a link for one goes
		fields := strings.Fields(e.Detail["fields"])
		if !slices.Contains(fields, "password") && !slices.Contains(fields, "email") {
			return false
		}
	}
	return c.ByHost()
}

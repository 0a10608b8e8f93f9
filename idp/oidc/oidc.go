// Package oidc is the OpenID Connect provider: fosite behind the five methods
// of [Grants], and what fosite lacks (discovery, keys, userinfo, logout,
// prompt, max_age, acr, claims, consent, requests that are pushed or signed).
// Endpoints are net/http handlers.
//
// It never decides who somebody is: it asks a [Browser].
package oidc

import (
	"context"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
)

// Type is a kind of relying party; it decides what the client may do unless
// its registration says otherwise.
type Type string

const (
	Odoo    Type = "odoo"    // Odoo's auth_oauth: `token`, and code + PKCE
	Web     Type = "web"     // confidential, on a server
	SPA     Type = "spa"     // public, in a browser: code + PKCE
	Native  Type = "native"  // public, on a device: code + PKCE, loopback and own schemes
	Service Type = "service" // client credentials, no people
)

// Client is a relying party.
type Client struct {
	ID                ClientID          `json:"id"`
	Name              string            `json:"name"`
	Type              Type              `json:"type"`
	Secret            string            `json:"secret,omitempty"` // hex SHA-256; empty: public
	AuthMethod        string            `json:"auth_method"`      // client_secret_basic, client_secret_post, private_key_jwt, none
	Keys              []jose.JSONWebKey `json:"keys,omitempty"`   // public, of a client that signs
	RedirectURIs      []string          `json:"redirect_uris,omitempty"`
	PostLogoutURIs    []string          `json:"post_logout_uris,omitempty"`
	GrantTypes        []string          `json:"grant_types"`
	ResponseTypes     []string          `json:"response_types"` // each with its words in alphabetical order
	Scopes            []string          `json:"scopes"`
	IDTokenAlg        string            `json:"id_token_alg"` // RS256, ES256 or EdDSA
	BackchannelURI    string            `json:"backchannel_logout_uri,omitempty"`
	FrontchannelURI   string            `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelPlain bool              `json:"frontchannel_logout_plain,omitempty"` // without iss and sid
	Trusted           bool              `json:"trusted,omitempty"`
	Groups            []string          `json:"groups,omitempty"` // if any, only their members get in
	Disabled          bool              `json:"disabled,omitempty"`
	Choose            bool              `json:"choose,omitempty"`            // "continue as" instead of a silent sign-in
	Sessions          string            `json:"sessions,omitempty"`          // Odoo: multi or single
	ValidationSecret  string            `json:"validation_secret,omitempty"` // Odoo: secret path segment of the validation URL; the store seals it
	Validations       int               `json:"validations,omitempty"`       // Odoo: how often one authorization may be validated, 1 or 2
	Created           time.Time         `json:"created"`
	Requests
	Details

	// Of a secret and of a validation address whose place another has taken.
	FormerSecret     *Former   `json:"former_secret,omitempty"`
	FormerValidation *Former   `json:"former_validation,omitempty"`
	SecretMade       time.Time `json:"secret_made,omitzero"` // zero: with the client
	ValidationMade   time.Time `json:"validation_made,omitzero"`
	SecretSerial     int       `json:"secret_serial,omitempty"` // how many there were before
	ValidationSerial int       `json:"validation_serial,omitempty"`
	// Version is the store's: whoever saves a client that somebody else has
	// changed meanwhile is refused. Zero: it is new.
	Version int64 `json:"-"`
}

// ClientID is [idp.ClientID].
type ClientID = idp.ClientID

// Clients stores relying parties.
type Clients interface {
	All(ctx context.Context) ([]Client, error)
	// ByID fails with idp.ErrNotFound.
	ByID(ctx context.Context, id ClientID) (Client, error)
	// Add fails with idp.ErrTaken.
	Add(ctx context.Context, c Client) error
	// Save fails with idp.ErrSpent when the client was changed since it was read.
	Save(ctx context.Context, c Client) error
	Remove(ctx context.Context, id ClientID) error
}

// Kinds of grant.
const (
	KindCode    = "code"
	KindAccess  = "access"
	KindRefresh = "refresh"
	KindOdoo    = "odoo"   // the stable token of package odoo
	KindPushed  = "pushed" // an authorization request that was pushed ahead; see par.go
)

// Grant is a code or a token. Its Payload belongs to who made it.
type Grant struct {
	Kind      string
	Signature string // hex SHA-256 of what the client holds, or fosite's signature
	Family    string // fosite's request id: everything that came from one authorization
	Client    ClientID
	User      idp.UserID    // empty for client credentials
	Session   idp.SessionID // the sid it came from
	Spent     bool
	Payload   []byte
	Expires   time.Time
}

// Grants stores codes and tokens. What is spent stays until it expires, so
// that a second use is recognised.
type Grants interface {
	// Put inserts grants.
	Put(ctx context.Context, gs ...Grant) error
	// Get returns a grant, spent or not, and its person as they are now (zero
	// for client credentials), in one trip; idp.ErrNotFound when there is none.
	Get(ctx context.Context, kind, signature string) (Grant, idp.User, error)
	// Spend marks an unspent grant as spent and inserts what it was exchanged
	// for, or neither, and idp.ErrSpent: of parallel exchanges one wins.
	Spend(ctx context.Context, kind, signature string, into ...Grant) error
	// Delete forgets one grant.
	Delete(ctx context.Context, kind, signature string) error
	// Revoke spends all that a selection matches.
	Revoke(ctx context.Context, s Selection) error
}

// Selection names grants; empty fields match all, but a family, a person, a client
// or a session must be named.
type Selection struct {
	Family  string
	User    idp.UserID
	Client  ClientID
	Session idp.SessionID
	Kinds   []string
}

// Consents remembers what people allowed.
type Consents interface {
	// Of returns the scopes that the person allowed to the client: nil where they
	// have allowed nothing, and an empty list where it was allowed without any.
	Of(ctx context.Context, u idp.UserID, c ClientID) ([]string, error)
	Give(ctx context.Context, u idp.UserID, c ClientID, scopes []string, at time.Time) error
	Withdraw(ctx context.Context, u idp.UserID, c ClientID) error
	// Forget takes back what everybody allowed to the client.
	Forget(ctx context.Context, c ClientID) error
	// All lists what a person allowed, by client.
	All(ctx context.Context, u idp.UserID) ([]Consent, error)
}

// Consent is what somebody allowed an application.
type Consent struct {
	Client ClientID
	Scopes []string
	At     time.Time
}

// KeyState is where a signing key is in its life.
type KeyState string

const (
	Next    KeyState = "next"    // published ahead, signs nothing yet
	Current KeyState = "current" // signs
	Retired KeyState = "retired" // verifies until its last token is dead
)

// Key is a signing key. Private is PKCS #8, sealed by the store.
type Key struct {
	ID      string // kid
	Alg     string // one of Algs
	State   KeyState
	Private []byte
	Created time.Time
	Changed time.Time // when it came into its state
}

// KeyStore stores signing keys.
type KeyStore interface {
	All(ctx context.Context) ([]Key, error)
	// Add inserts a key; it fails with idp.ErrTaken when there already is one
	// with that algorithm and state "next" or "current", so that two instances
	// that start at once agree.
	Add(ctx context.Context, k Key) error
	// Move brings a key from one state to another, or fails with idp.ErrSpent
	// when it is no longer in the first.
	Move(ctx context.Context, id string, from, to KeyState, at time.Time) error
	Remove(ctx context.Context, id string) error
}

// Browser knows who sits in front of a request. The sign-in pages implement it.
type Browser interface {
	// Check is the one gate: it returns the session and the person behind the
	// request if they satisfy what the need, policy and their factors ask now.
	// Otherwise the error is idp.ErrNotFound (nobody is signed in),
	// idp.ErrMore (somebody is, but must prove more) or idp.ErrDenied (this person
	// may not, whatever they prove). With the last two the session and the person
	// are returned, too.
	Check(r *http.Request, need idp.Need) (idp.Session, idp.User, error)
	// SignIn sends the browser to the sign-in pages, which come back to
	// returnTo, a path of ours.
	SignIn(w http.ResponseWriter, r *http.Request, ask Ask)
	// Binding is a value that is the same for every request of one browser and
	// that no other browser can name; Binding may set a cookie.
	Binding(w http.ResponseWriter, r *http.Request) string
	// Forget ends the request's session with the codes and access tokens that
	// came from it, and clears its cookies.
	Forget(w http.ResponseWriter, r *http.Request) error
}

// Ask is what the sign-in pages are asked to do.
type Ask struct {
	Need     idp.Need
	Client   Client
	ReturnTo string // path and query, on this server
	Redirect string // the client's redirect URI, for the page's form-action and for "cancel"
	Hint     string // login_hint
	Locales  string // ui_locales
	Choose   bool   // show "continue as / use another account" to somebody signed in
	Create   bool   // begin where people make an account
}

// Pages draws what the protocol shows to people.
type Pages interface {
	DevicePages
	// Error is a page of ours: the client cannot be trusted with the answer.
	Error(w http.ResponseWriter, r *http.Request, p Problem)
	// FormPost sends params to the client by a form (OAuth 2.0 Form Post
	// Response Mode §2).
	FormPost(w http.ResponseWriter, r *http.Request, redirect string, params map[string][]string)
	// Consent asks; the form posts decision=allow|deny to action with the
	// hidden fields.
	Consent(w http.ResponseWriter, r *http.Request, v ConsentView)
	// Logout asks (form#logout posts to action with the hidden fields).
	Logout(w http.ResponseWriter, r *http.Request, v LogoutView)
	// LoggedOut says that it is done.
	LoggedOut(w http.ResponseWriter, r *http.Request, v LoggedOutView)
	// CSRF checks that a POST comes from a form that we drew for this browser.
	CSRF(r *http.Request) error
}

// Problem is an error for a person.
type Problem struct {
	Status int
	Key    string            // catalogue key below "error.", such as "redirect_uri"
	Args   []any             // for its placeholders
	Detail map[string]string // shown in small print to help an administrator; never secret
}

// ConsentView is what the consent page shows.
type ConsentView struct {
	Client   Client
	User     idp.User
	Scopes   []string // asked for
	Action   string
	Hidden   map[string]string
	Redirect string
}

// LogoutView is what the logout page shows.
type LogoutView struct {
	User   idp.User
	Client Client // zero: none named
	Action string
	Hidden map[string]string
}

// LoggedOutView is what the page after signing out shows.
type LoggedOutView struct {
	Client Client   // zero: none named
	Back   string   // leads to the client; empty: nowhere
	Frames []string // addresses to load unseen, so that applications end their sessions, too
	Onward bool     // go to Back by itself when the frames are loaded
}

package idp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// Purpose is what a link is for; it is good for nothing else.
type Purpose string

const (
	// LinkEnrol leads to setting up a factor, after the password (SECURITY.md M-11).
	LinkEnrol Purpose = "enrol"
	// LinkNotMe takes back what somebody else did (SECURITY.md B-12).
	LinkNotMe Purpose = "not-me"
	// LinkRecover leads to a new password (SECURITY.md E-03, E-04).
	LinkRecover Purpose = "recover"
	// LinkInvite leads to a first password (SECURITY.md ).
	LinkInvite Purpose = "invite"
	// LinkVerify proves that an address is the person's (SECURITY.md E-09, E-10).
	LinkVerify Purpose = "verify"
	// LinkRegister leads to a first password of somebody who is nobody's yet: its
	// User is the hash of the address that it goes to (SECURITY.md E-09).
	LinkRegister Purpose = "register"
	// LinkForm is not mailed: it leads back to a form whose sender had to prove
	// more first, and holds what they typed.
	LinkForm Purpose = "form"
)

// linkLives says how long each is good (SECURITY.md §1.1).
var linkLives = map[Purpose]time.Duration{
	LinkEnrol: 72 * time.Hour, LinkNotMe: 7 * 24 * time.Hour, LinkRecover: 15 * time.Minute,
	LinkInvite: 72 * time.Hour, LinkVerify: 24 * time.Hour, LinkRegister: time.Hour,
	LinkForm: 15 * time.Minute,
}

// Life is how long a link of this purpose is good.
func (p Purpose) Life() time.Duration { return linkLives[p] }

// Mailed lists the purposes whose links replace each other: of each a person has
// one that is good.
var Mailed = []Purpose{LinkEnrol, LinkRecover, LinkInvite, LinkVerify}

// Topic is what the mails of a person's links of this purpose are about: a newer
// one replaces one that is not sent yet, for that one's link is dead.
func (p Purpose) Topic(id UserID) string { return "link:" + string(p) + ":" + string(id) }

// Address is where a link leads. The issuer is the public URL of the
// configuration, never what a request says (SECURITY.md E-05).
func (p Purpose) Address(issuer, token string) string {
	return strings.TrimRight(issuer, "/") + "/" + string(p) + "/" + token
}

// Link is an address that was mailed to somebody and is good once. The mail
// holds a random token, we its hash.
type Link struct {
	Hash    string // hex SHA-256 of the token
	Purpose Purpose
	User    UserID
	Epoch   int64             // of the person when it was made, or EpochAtCommit; a raised one kills the link
	Data    map[string]string // what it is about; kept sealed
	Created time.Time
	Expires time.Time
}

// EpochAtCommit stands for the epoch that the person has when the transaction
// commits: a link that tells of a change must not die with it.
const EpochAtCommit int64 = -1

// NewLink makes a link for a person and the token for its address (256 random
// bits).
func NewLink(p Purpose, u User, now time.Time, life time.Duration) (Link, string) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: see crypto/rand.Read
	token := base64.RawURLEncoding.EncodeToString(b)
	return Link{Hash: HashLink(token), Purpose: p, User: u.ID, Epoch: u.Epoch, Created: now, Expires: now.Add(life)}, token
}

// HashLink is how the tokens of links are stored.
func HashLink(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Links stores links.
type Links interface {
	// Put stores a link; it joins the Atomic in ctx. Older ones stay good
	// until Void takes them away.
	Put(ctx context.Context, l Link) error
	// Get returns a link and its person as they are now, or ErrExpired: unknown,
	// used, too old, of another purpose, or of an epoch that is over.
	Get(ctx context.Context, p Purpose, hash string) (Link, User, error)
	// Spend uses a link up, or fails with ErrSpent: of many at once one wins.
	Spend(ctx context.Context, hash string) error
	// Void takes a person's links of a purpose away.
	Void(ctx context.Context, p Purpose, id UserID) error
}

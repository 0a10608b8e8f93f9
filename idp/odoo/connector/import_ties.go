package connector

import (
	"context"
	"time"

	"latchkey/idp"
)

// Tie says which person here a user of an Odoo is.
type Tie struct {
	Connection string
	Odoo       int64 // res.users id
	User       idp.UserID
	Login      string    // in Odoo
	Seen       Seen      // what Odoo said last
	Linked     time.Time // when Odoo was told of the person; zero: not yet
	Closed     Closed
	Created    time.Time
}

// Closed says where the end of a tie began. It keeps an archive that came from
// here from coming back, and a person who was disabled by an administrator from
// being enabled by Odoo.
type Closed string

const (
	Open        Closed = ""
	ClosedThere Closed = "there" // archived in Odoo, so disabled here
	ClosedHere  Closed = "here"  // disabled here, so archived in Odoo
)

// Seen are fingerprints of what Odoo said of a user, by field: short hashes, so
// that no second copy of anybody's data lies about.
type Seen map[string]string

// Ties stores ties.
type Ties interface {
	// ByOdoo returns those of the users who are known, by id.
	ByOdoo(ctx context.Context, connection string, ids []int64) (map[int64]Held, error)
	// ByUser returns a person's tie, or fails with idp.ErrNotFound.
	ByUser(ctx context.Context, connection string, id idp.UserID) (Tie, error)
	// OfUser returns all ties of a person.
	OfUser(ctx context.Context, id idp.UserID) ([]Tie, error)
	// Put adds a tie, in place of one whose person is gone. It joins the Atomic in
	// ctx and fails with idp.ErrTaken when either side is tied already.
	Put(ctx context.Context, t Tie) error
	// Note is Put for what nobody waits for: when either side is tied already,
	// nothing happens.
	Note(ctx context.Context, t Tie) error
	// Save changes what may change: Login, Seen, Linked and Closed. It joins the
	// Atomic in ctx.
	Save(ctx context.Context, t Tie) error
	// Page returns ties of a connection by id.
	Page(ctx context.Context, q TieQuery) ([]Held, error)
	// Count counts those that are open.
	Count(ctx context.Context, connection string) (int, error)
}

// TieQuery selects ties.
type TieQuery struct {
	Connection string
	After      int64
	Limit      int // default 200
	// Apart selects those that are open there while the person is disabled or gone
	// here, or closed from here while they are enabled again.
	Apart bool
}

// Held is a tie with what is needed of its person.
type Held struct {
	Tie
	Gone     bool // the person was removed
	Disabled bool
}

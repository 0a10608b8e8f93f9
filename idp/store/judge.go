package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/idp"
)

// fault is what a database error means to us.
type fault int

const (
	unknown fault = iota
	hitNothing
	notUnique
	noParent
	unavailable
)

// Error codes of SQLite, <https://www.sqlite.org/rescode.html>; extended ones
// carry the primary one in their low byte.
var sqliteFaults = map[int]fault{
	1555: notUnique, // SQLITE_CONSTRAINT_PRIMARYKEY
	2067: notUnique, // SQLITE_CONSTRAINT_UNIQUE
	787:  noParent,  // SQLITE_CONSTRAINT_FOREIGNKEY
	5:    unavailable, 6: unavailable, 8: unavailable, 9: unavailable,
	10: unavailable, 13: unavailable, 14: unavailable, // busy, locked, read-only, interrupted, I/O, full, cannot open
}

// Error codes of PostgreSQL, whole or by class (first two characters).
var postgresFaults = map[string]fault{
	"22012": hitNothing, // division by zero: see sendBatch
	"23505": notUnique,
	"23503": noParent,
	"08":    unavailable, "53": unavailable, "57": unavailable, "58": unavailable,
	"25006": unavailable, // a standby, during a failover
	"40":    unavailable, // deadlock, serialization: tried again and still so
	"55P03": unavailable, // lock not available
}

// judge turns a database's error into ours. What says that the database cannot
// work now becomes idp.ErrBusy; what nobody foresaw stays as it is.
func judge(err error, s stmt) error {
	if err == nil {
		return nil
	}
	switch f := faultOf(err); {
	case f == hitNothing && s.none != nil:
		return s.none
	case f == notUnique && s.taken != nil:
		return s.taken
	case f == noParent:
		return fmt.Errorf("%w: %w", idp.ErrNotFound, err)
	case f == unavailable:
		return fmt.Errorf("%w: %w", idp.ErrBusy, err)
	}
	return err
}

func faultOf(err error) fault {
	var pg *pgconn.PgError
	var lite *gosqlite.Error
	var netErr net.Error
	var dial *pgconn.ConnectError
	switch {
	case errors.Is(err, context.Canceled):
		return unknown // the client went away; that is not our fault
	case errors.As(err, &pg):
		if f, ok := postgresFaults[pg.Code]; ok {
			return f
		}
		return postgresFaults[pg.Code[:min(2, len(pg.Code))]]
	case errors.As(err, &lite):
		if f, ok := sqliteFaults[lite.Code()]; ok {
			return f
		}
		return sqliteFaults[lite.Code()&0xff]
	case errors.As(err, &netErr), errors.As(err, &dial), gone(err), pgconn.Timeout(err):
		return unavailable
	}
	return unknown
}

// gone reports errors of a connection that broke while it was used.
func gone(err error) bool {
	return slices.ContainsFunc([]error{
		context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	}, func(e error) bool { return errors.Is(err, e) }) || strings.Contains(err.Error(), "conn closed")
}

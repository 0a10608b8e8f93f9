package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"latchkey/migrations"
)

// stmt is one write, with ? for its arguments.
type stmt struct {
	sql   string
	args  []any
	none  error // what it means when no row changed; nil: nothing
	taken error // what it means when a unique value is there already
	lazy  bool  // its transaction does not wait for the disk
}

// Programming mistakes; no caller handles these.
var (
	errAlone  = errors.New("store: this write must commit on its own and may not run inside Atomic")
	errClosed = errors.New("store: Atomic is over, its context must not be used any more")
)

// unit gathers the writes of one Atomic.
type unit struct {
	mu    sync.Mutex
	over  bool
	stmts []stmt
	after []func(error)
}

// unitKey carries the unit of one database; another database's writes are not
// its business.
type unitKey struct{ d *engine }

func (d *engine) unit(ctx context.Context) *unit {
	u, _ := ctx.Value(unitKey{d}).(*unit)
	return u
}

// Atomic is an [mfa.Atomic]. On PostgreSQL everything gathered goes out in one
// round trip and is one transaction; on SQLite it is one short transaction on
// the writing connection. Nothing is locked while do runs.
func (d *engine) Atomic(ctx context.Context, do func(context.Context) error) error {
	if u := d.unit(ctx); u != nil {
		return u.join(ctx, do)
	}
	u := &unit{}
	err := do(context.WithValue(ctx, unitKey{d}, u))
	u.mu.Lock()
	u.over = true
	u.mu.Unlock()
	if err != nil {
		return err
	}
	err = d.send(ctx, u.stmts)
	for _, f := range u.after {
		f(err)
	}
	return err
}

// join runs an inner Atomic. When it fails its writes go, even if the outer
// one survives.
func (u *unit) join(ctx context.Context, do func(context.Context) error) error {
	u.mu.Lock()
	stmts, after := len(u.stmts), len(u.after)
	u.mu.Unlock()
	err := do(ctx)
	if err != nil {
		u.mu.Lock()
		u.stmts, u.after = u.stmts[:stmts], u.after[:after]
		u.mu.Unlock()
	}
	return err
}

// write sends writes, all or none, or adds them to the Atomic in ctx.
func (d *engine) write(ctx context.Context, stmts ...stmt) error {
	u := d.unit(ctx)
	if u == nil {
		return d.send(ctx, stmts)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return errClosed
	}
	u.stmts = append(u.stmts, stmts...)
	return nil
}

// settled calls f with the outcome of the Atomic in ctx, or at once with err.
func (d *engine) settled(ctx context.Context, err error, f func(error)) {
	if u := d.unit(ctx); u != nil && err == nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.after = append(u.after, f)
		return
	}
	f(err)
}

// send sends writes in one transaction and one round trip.
func (d *engine) send(ctx context.Context, stmts []stmt) (err error) {
	if len(stmts) == 0 {
		return nil
	}
	ctx, cancel := d.patiently(ctx)
	defer cancel()
	ctx, end := d.watched(ctx, stmts...)
	defer func() { end(err) }()
	done, err := d.queue(ctx)
	if err != nil {
		return err
	}
	defer done()
	for _, s := range stmts {
		clean(s.args)
	}
	for range 3 {
		d.trips.Add(1)
		switch {
		case len(stmts) == 1:
			err = d.sendOne(ctx, d.writer, stmts[0])
		case d.dialect == migrations.Postgres:
			err = d.sendBatch(ctx, stmts)
		default:
			err = d.sendTx(ctx, stmts)
		}
		if !again(err) {
			break
		}
	}
	if err == nil && !slices.ContainsFunc(stmts, func(s stmt) bool { return s.lazy }) {
		d.commits.Add(1)
	}
	return err
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (d *engine) sendOne(ctx context.Context, on execer, s stmt) error {
	r, err := on.ExecContext(ctx, d.rebind(s.sql), s.args...)
	if err != nil {
		return judge(err, s)
	}
	if s.none == nil {
		return nil
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		return s.none
	}
	return err
}

func (d *engine) sendTx(ctx context.Context, stmts []stmt) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return judge(err, stmt{})
	}
	for _, s := range stmts {
		if err := d.sendOne(ctx, tx, s); err != nil {
			return errors.Join(err, rollback(tx))
		}
	}
	return judge(tx.Commit(), stmt{})
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// sendBatch sends everything before it reads the first answer. PostgreSQL runs
// what lies before one Sync as one transaction, so an error anywhere undoes
// all of it. It cannot stop at "no row changed" by itself: a guarded statement
// is wrapped so that it divides by the number of rows.
func (d *engine) sendBatch(ctx context.Context, stmts []stmt) error {
	conn, err := d.writer.Conn(ctx)
	if err != nil {
		return judge(err, stmt{})
	}
	defer conn.Close()
	var b pgx.Batch
	for _, s := range stmts {
		if s.none != nil {
			s.sql = `WITH hit AS (` + s.sql + ` RETURNING 1) SELECT 1 / count(*) FROM hit`
		}
		b.Queue(d.rebind(s.sql), s.args...)
	}
	return conn.Raw(func(c any) error {
		answers := c.(*stdlib.Conn).Conn().SendBatch(ctx, &b)
		for _, s := range stmts {
			if _, err := answers.Exec(); err != nil {
				_ = answers.Close() // reports the same error again
				return judge(err, s)
			}
		}
		return judge(answers.Close(), stmt{})
	})
}

// again reports whether the same statements may be sent once more: they were
// never sent, or the database undid them to let somebody else go on.
func again(err error) bool {
	if err == nil {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return slices.Contains([]string{"40P01", "40001"}, pg.Code)
	}
	return pgconn.SafeToRetry(err)
}

// clean replaces what PostgreSQL refuses in a text, NUL and broken UTF-8, so
// that no header or parameter of a stranger's makes a statement fail. It
// replaces instead of dropping: "a" and NUL must not find "a".
func clean(args []any) {
	for i, a := range args {
		if s, ok := a.(string); ok && dirty(s) {
			args[i] = cleaned(s)
		}
	}
}

func dirty(s string) bool { return strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) }

func cleaned(s string) string {
	if !dirty(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// rebind numbers the placeholders for PostgreSQL.
func (d *engine) rebind(query string) string {
	if d.dialect != migrations.Postgres {
		return query
	}
	if s, ok := d.rebound.Load(query); ok {
		return s.(string)
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	d.rebound.Store(query, b.String())
	return b.String()
}

package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// rows reads into a slice of rows, in one round trip.
func rows[T any](ctx context.Context, d *engine, query string, args ...any) ([]T, error) {
	return scan[T](ctx, d, d.reader, query, args)
}

// one reads one row, or fails with missing.
func one[T any](ctx context.Context, d *engine, missing error, query string, args ...any) (T, error) {
	return first[T](missing)(rows[T](ctx, d, query, args...))
}

// returning runs one statement that changes rows and returns them, in a commit
// of its own. What is decided by its answer cannot wait for an Atomic.
func returning[T any](ctx context.Context, d *engine, query string, args ...any) ([]T, error) {
	if d.unit(ctx) != nil {
		return nil, errAlone
	}
	ctx, cancel := d.patiently(ctx)
	defer cancel()
	done, err := d.queue(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	out, err := scan[T](ctx, d, d.writer, query, args)
	if err == nil {
		d.commits.Add(1)
	}
	return out, err
}

// direct rows name their fields in the order of their query's columns. The hot
// path reads them without reflection, which costs less than half.
type direct interface{ columns() []any }

func scan[T any](ctx context.Context, d *engine, on *sql.DB, query string, args []any) (out []T, err error) {
	row := func() any {
		out = append(out, *new(T))
		return &out[len(out)-1]
	}
	if _, ok := any((*T)(nil)).(direct); !ok {
		row = nil
	}
	err = d.scan(ctx, on, query, args, &out, row)
	return out, err
}

// scan reads a query's rows: each into what row returns, or all of them by gorm
// into the slice that out points to. It is compiled once, and not for each type.
func (d *engine) scan(ctx context.Context, on *sql.DB, query string, args []any, out any, row func() any) (err error) {
	ctx, cancel := d.patiently(ctx)
	defer cancel()
	ctx, end := d.watched(ctx, stmt{sql: query})
	defer func() { end(err) }()
	d.trips.Add(1)
	clean(args)
	if row == nil {
		return judge(d.orm[on].WithContext(ctx).Raw(query, args...).Scan(out).Error, stmt{})
	}
	all, err := on.QueryContext(ctx, d.rebind(query), args...)
	if err != nil {
		return judge(err, stmt{})
	}
	defer all.Close()
	for all.Next() {
		if err := all.Scan(row().(direct).columns()...); err != nil {
			return judge(err, stmt{})
		}
	}
	return judge(all.Err(), stmt{})
}

// opt is a column that may be NULL: it leaves the zero value.
type opt[T any] struct{ to *T }

func (o opt[T]) Scan(v any) error {
	var n sql.Null[T]
	err := n.Scan(v)
	*o.to = n.V
	return err
}

func first[T any](missing error) func([]T, error) (T, error) {
	return func(all []T, err error) (out T, _ error) {
		if err != nil {
			return out, err
		}
		if len(all) == 0 {
			return out, missing
		}
		return all[0], nil
	}
}

// ms and at turn moments into columns and back; 0 is never.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// marks is n placeholders for an IN list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// anys turns strings into arguments.
func anys[T ~string](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

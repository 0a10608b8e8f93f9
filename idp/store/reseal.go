package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/idp/keyring"
)

// sealedColumn is one whose values are sealed. An empty value is none.
type sealedColumn struct {
	table, column string
	key           []string // the primary key
	place         []string // what its place names of the row; nil: the key
	text          bool     // base64
	batch         int      // rows that are read at once; 0: resealBatch
}

// sealedColumns are all of them (SECURITY.md T-04, C-03). One that is missing
// here would be lost when old keys are forgotten: a test compares them with the
// schema and with what the package seals.
var sealedColumns = []sealedColumn{
	{table: "secrets", column: "value", key: []string{"name"}},
	{table: "signing_keys", column: "private", key: []string{"id"}, place: []string{"id", "alg"}},
	{table: "clients", column: "body", key: []string{"id"}},
	{table: "connections", column: "body", key: []string{"id"}},
	{table: "settings", column: "body", key: []string{"name"}},
	{table: "credentials", column: "data", key: []string{"id"}, place: []string{"subject", "kind", "id"}},
	{table: "challenges", column: "body", key: []string{"id"}, place: []string{"id", "subject", "kind", "binding"}},
	{table: "flows", column: "body", key: []string{"id"}, place: []string{"id", "user_id"}},
	{table: "links", column: "data", key: []string{"hash"}, place: []string{"hash", "purpose", "user_id"}},
	{table: "registrations", column: "data", key: []string{"hash"}, place: []string{"hash", "address"}},
	{table: "outbox", column: "body", key: []string{"id"}, place: []string{"id", "recipient"}},
	{table: "jobs", column: "body", key: []string{"id"}, place: []string{"id", "about"}},
	{table: "batches", column: "body", key: []string{"id"}, place: []string{"id", "owner"}},
	{table: "batch_files", column: "data", key: []string{"batch"}, batch: 1}, // each may be some MB
	{table: "batch_rows", column: "body", key: []string{"batch", "place"}},
	{table: "api_requests", column: "answer", key: []string{"caller", "name"}, place: []string{"caller", "name", "hash"}, text: true},
}

// resealBatch is few enough that nobody waits for the rows to be free again.
const resealBatch = 100

// SealCount says how many values of a column one key has sealed.
type SealCount struct {
	Table  string        `json:"table"`
	Column string        `json:"column"`
	Key    keyring.KeyID `json:"key"` // 0: none that can be read
	Values int           `json:"values"`
}

type headCount struct {
	head []byte
	n    int
}

func (r *headCount) columns() []any { return []any{&r.head, &r.n} }

// Seals counts sealed values by the key that sealed them, whether they open or
// not.
func (d *DB) Seals(ctx context.Context) (out []SealCount, err error) {
	for _, c := range sealedColumns {
		length := headLength
		if c.text {
			length = base64.StdEncoding.EncodedLen(headLength)
		}
		all, err := rows[headCount](counts(ctx), d.engine, fmt.Sprintf(`SELECT substr(%s, 1, %d), count(*) FROM %s WHERE length(%[1]s) > 0 GROUP BY 1`, c.column, length, c.table))
		if err != nil {
			return nil, err
		}
		from := len(out)
		for _, r := range all {
			id, _ := keyring.SealedBy(c.sealed(r.head))
			i := slices.IndexFunc(out[from:], func(s SealCount) bool { return s.Key == id })
			if i < 0 {
				out, i = append(out, SealCount{Table: c.table, Column: c.column, Key: id}), len(out)-from
			}
			out[from+i].Values += r.n
		}
	}
	return out, nil
}

// headLength is enough of a value to tell its key, and makes whole base64.
const headLength = 6

// Resealing is what became of values that another key than the ring's had
// sealed.
type Resealing struct {
	Sealed int      // by the ring's key now; or, when only counted, could be
	Broken int      // of no use to anybody, because no key opens them
	Which  []string // the first of these: "table row"
}

// namedBroken is how many of them are named.
const namedBroken = 20

// Reseal seals with the ring's key what another one of its keys has sealed, in
// small steps. It may be stopped at any moment and called again, and servers may
// run: a value that somebody writes meanwhile stays as it was written. Each is
// told after every step how many values are done, and ends it with an error.
func (d *DB) Reseal(ctx context.Context, each func(done int) error) (Resealing, error) {
	return d.reseal(ctx, true, each)
}

// Resealable counts what Reseal would seal: what is lost with the old keys.
func (d *DB) Resealable(ctx context.Context, each func(done int) error) (Resealing, error) {
	return d.reseal(ctx, false, each)
}

func (d *DB) reseal(ctx context.Context, write bool, each func(int) error) (Resealing, error) {
	r := resealer{d: d, write: write, each: each, by: d.ring.Sealing()}
	for _, c := range sealedColumns {
		if err := r.column(ctx, c); err != nil {
			return r.out, fmt.Errorf("store: sealing %s.%s anew: %w", c.table, c.column, err)
		}
	}
	return r.out, nil
}

type resealer struct {
	d     *DB
	write bool
	each  func(int) error
	by    keyring.KeyID
	out   Resealing
}

// sealedRow is a row of any sealed column.
type sealedRow struct {
	key   []any
	place []string
	value []byte // as it lies there
}

func (r *sealedRow) columns() []any {
	out := make([]any, 0, len(r.key)+len(r.place)+1)
	for i := range r.key {
		out = append(out, &r.key[i])
	}
	for i := range r.place {
		out = append(out, &r.place[i])
	}
	return append(out, &r.value)
}

func (c sealedColumn) parts() []string {
	if c.place == nil {
		return c.key
	}
	return c.place
}

// sealed is a value as the ring made it; nil for what is none.
func (c sealedColumn) sealed(value []byte) []byte {
	if !c.text {
		return value
	}
	b, err := base64.StdEncoding.DecodeString(string(value))
	if err != nil {
		return nil
	}
	return b
}

// column goes along the primary key and forgets nothing that was there when it
// began.
func (r *resealer) column(ctx context.Context, c sealedColumn) error {
	limit := c.batch
	if limit == 0 {
		limit = resealBatch
	}
	var after []any
	for {
		rows, err := r.read(ctx, c, after, limit)
		if err != nil {
			return err
		}
		if err := r.rows(ctx, c, rows); err != nil {
			return err
		}
		if r.each != nil {
			if err := r.each(r.out.Sealed); err != nil {
				return err
			}
		}
		if len(rows) < limit {
			return nil
		}
		after = rows[len(rows)-1].key
	}
}

func (r *resealer) read(ctx context.Context, c sealedColumn, after []any, limit int) (out []*sealedRow, err error) {
	key, parts := strings.Join(c.key, ", "), c.parts()
	cols := slices.Clone(c.key)
	for i, p := range parts {
		cols = append(cols, fmt.Sprintf(`CAST(%s AS TEXT) AS part%d`, p, i))
	}
	query := `SELECT ` + strings.Join(append(cols, c.column), ", ") + ` FROM ` + c.table + ` WHERE length(` + c.column + `) > 0`
	var args []any
	if after != nil {
		query, args = query+` AND (`+key+`) > (`+marks(len(after))+`)`, append(args, after...)
	}
	err = r.d.scan(counts(ctx), r.d.reader, query+` ORDER BY `+key+` LIMIT ?`, append(args, limit), nil, func() any {
		out = append(out, &sealedRow{key: make([]any, len(c.key)), place: make([]string, len(parts))})
		return out[len(out)-1]
	})
	return out, err
}

func (r *resealer) rows(ctx context.Context, c sealedColumn, rows []*sealedRow) error {
	var stmts []stmt
	for _, row := range rows {
		sealed := c.sealed(row.value)
		if id, ok := keyring.SealedBy(sealed); ok && id == r.by {
			continue
		}
		where := place(c.table, c.column, row.place...)
		plain, err := r.d.ring.Open(sealed, where)
		if errors.Is(err, keyring.ErrSealed) {
			if r.out.Broken++; r.out.Broken <= namedBroken {
				r.out.Which = append(r.out.Which, c.table+" "+strings.Trim(fmt.Sprint(row.key), "[]"))
			}
			continue
		}
		if err != nil {
			return err
		}
		r.out.Sealed++
		if !r.write {
			continue
		}
		if sealed, err = r.d.ring.Seal(plain, where); err != nil {
			return err
		}
		// Only what was read is replaced: whoever was faster has sealed it himself.
		args := append([]any{c.value(sealed)}, row.key...)
		stmts = append(stmts, stmt{
			sql:  `UPDATE ` + c.table + ` SET ` + c.column + ` = ? WHERE ` + strings.Join(c.key, ` = ? AND `) + ` = ? AND ` + c.column + ` = ?`,
			args: append(args, c.asIs(row.value)),
		})
	}
	return r.d.write(ctx, stmts...)
}

// value is what to write for a sealed value.
func (c sealedColumn) value(sealed []byte) any {
	if c.text {
		return base64.StdEncoding.EncodeToString(sealed)
	}
	return sealed
}

// asIs is what was read, to compare with.
func (c sealedColumn) asIs(value []byte) any {
	if c.text {
		return string(value)
	}
	return value
}

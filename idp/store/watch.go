package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"latchkey/idp/trace"
	"latchkey/migrations"
)

// watched begins the span of one round trip. It says what is done to which table,
// and nothing that came from outside: neither arguments nor what is found.
func (d *engine) watched(ctx context.Context, stmts ...stmt) (context.Context, func(error)) {
	if !trace.Watched(ctx) {
		return ctx, func(error) {}
	}
	system := "postgresql"
	if d.dialect == migrations.SQLite {
		system = "sqlite"
	}
	attrs := []trace.Attr{trace.Text("db.system.name", system)}
	var all []string
	for _, s := range stmts {
		verb, table := gist(s.sql)
		if one := strings.TrimSpace(verb + " " + table); !slices.Contains(all, one) {
			all = append(all, one)
		}
		if len(stmts) == 1 {
			attrs = append(attrs, trace.Text("db.operation.name", verb), trace.Text("db.collection.name", table))
		}
	}
	name := strings.Join(all, "; ")
	if len(stmts) > 1 {
		attrs = append(attrs, trace.Number("db.operation.batch.size", len(stmts)), trace.Text("db.query.summary", name))
		name = "BATCH " + all[0]
	}
	ctx, span := trace.Call(ctx, name, attrs...)
	return ctx, func(err error) {
		// A guard that holds, and a value that is there already, are answers.
		if slices.ContainsFunc(stmts, func(s stmt) bool {
			return s.none != nil && errors.Is(err, s.none) || s.taken != nil && errors.Is(err, s.taken)
		}) {
			err = nil
		}
		span.End(err)
	}
}

// gist is what a statement does and the table that it is about, for example
// SELECT users. What stands in parentheses counts only where there is no other.
func gist(query string) (verb, table string) {
	if verb, table = outline(query, 0); table == "" {
		_, table = outline(query, len(query))
	}
	return verb, table
}

// outline looks no deeper than so many parentheses.
func outline(query string, deepest int) (verb, table string) {
	depth, expect := 0, false
	for whole := range strings.FieldsSeq(query) {
		word := strings.TrimLeft(whole, "(")
		depth += len(whole) - len(word)
		here := depth <= deepest
		depth += strings.Count(word, "(") - strings.Count(word, ")")
		if !here {
			expect = false
			continue
		}
		switch word = strings.Trim(word, "(),;"); word {
		case "SELECT", "INSERT", "UPDATE", "DELETE":
			if verb == "" {
				verb = word
			}
			expect = word == "UPDATE"
		case "FROM", "INTO":
			expect = true
		default:
			if expect && isTable(word) {
				return verb, word
			}
			expect = false
		}
	}
	return verb, ""
}

// isTable keeps what is no name of ours out, should a statement ever have a
// value in it.
func isTable(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

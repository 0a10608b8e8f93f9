package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// output is how commands answer: for people, or for machines.
type output struct {
	json bool // --json
}

// print shows one thing: as JSON for machines, or as human writes it.
func (o output) print(cmd *cobra.Command, v any, human func(w io.Writer)) error {
	if o.json {
		return encoder(cmd.OutOrStdout()).Encode(v)
	}
	human(cmd.OutOrStdout())
	return nil
}

// say prints a sentence, or {"ok":true} and what the sentence is about.
func (o output) say(cmd *cobra.Command, about map[string]any, format string, args ...any) error {
	about["ok"] = true
	return o.print(cmd, about, func(w io.Writer) { fmt.Fprintf(w, format+"\n", args...) })
}

// encoder leaves < and & in addresses as they are.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(escaping{w})
	e.SetEscapeHTML(false)
	return e
}

// escaping writes JSON with what a terminal might obey as \u escapes: they
// can only be inside strings.
type escaping struct{ io.Writer }

func (e escaping) Write(b []byte) (int, error) {
	var out strings.Builder
	for _, r := range string(b) {
		if r != '\n' && obeyed(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	_, err := io.WriteString(e.Writer, out.String())
	return len(b), err
}

// obeyed reports whether a terminal may act on a character instead of showing
// it: control characters, and those that turn the direction of text.
func obeyed(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r)
}

// list prints many things as they come: a JSON array with one element a line,
// or a table.
type list struct {
	json  bool
	out   io.Writer
	table *tabwriter.Writer
	count int
}

func (o output) list(cmd *cobra.Command, columns ...string) *list {
	l := &list{json: o.json, out: cmd.OutOrStdout()}
	if !l.json {
		l.table = tabwriter.NewWriter(l.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(l.table, strings.Join(columns, "\t"))
	}
	return l
}

// add prints an element: v for machines, the cells for people.
func (l *list) add(v any, cells ...any) error {
	l.count++
	if l.json {
		open := ","
		if l.count == 1 {
			open = "["
		}
		if _, err := io.WriteString(l.out, open); err != nil {
			return err
		}
		return encoder(l.out).Encode(v)
	}
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(l.table, "\t")
		}
		fmt.Fprint(l.table, clean(fmt.Sprint(c)))
	}
	_, err := fmt.Fprintln(l.table)
	return err
}

func (l *list) end() error {
	if !l.json {
		return l.table.Flush()
	}
	end := "]\n"
	if l.count == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(l.out, end)
	return err
}

// field prints one line of a thing's description; nothing for what is empty.
func field(w io.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "%-18s %s\n", name, clean(value))
	}
}

// clean keeps control characters, which people can put into their names and
// user agents, from the terminal (D-11).
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if obeyed(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

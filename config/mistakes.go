package config

import (
	"fmt"
	"strings"
)

// Mistake is one thing that is wrong with a configuration.
type Mistake struct {
	Key     string `json:"key"`
	Value   string `json:"value,omitempty"` // as given; masked when it is a secret
	From    string `json:"from,omitempty"`  // file and line, or the variable
	Allowed string `json:"allowed"`

	unknown bool // there is no such key; Allowed says which one may be meant
}

// Mistakes is every mistake of a configuration; as an error it has one line
// for each.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

func (m Mistake) String() string {
	from, given := "", "not set"
	if m.From != "" && m.From != byDefault {
		from = " (from " + m.From + ")"
	}
	if m.unknown {
		return m.Key + from + ": " + m.Allowed
	}
	if m.Value != "" {
		given = fmt.Sprintf("%q is not allowed", m.Value)
	}
	return m.Key + from + ": " + given + "; allowed: " + m.Allowed
}

// unknown is the mistake of a key that does not exist.
//
// Its value is not shown: it may be a secret under a mistyped name.
func unknown(name, from string, known []string) Mistake {
	allowed := "no such key; `latchkey config --help` lists them all"
	if near := nearest(name, known); near != "" {
		allowed = "no such key; did you mean " + near + "?"
	}
	return Mistake{Key: name, From: from, Allowed: allowed, unknown: true}
}

// nearest finds the known name that takes the fewest changes, or nothing when
// none is near enough to be meant.
func nearest(name string, known []string) string {
	best, most := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(name, k); d < most {
			best, most = k, d
		}
	}
	if best != "" {
		return best
	}
	for _, k := range known { // the right word in the wrong section
		if last := k[strings.LastIndex(k, ".")+1:]; last != k && last == name[strings.LastIndex(name, ".")+1:] {
			return k
		}
	}
	return ""
}

// distance is the number of letters to add, drop or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

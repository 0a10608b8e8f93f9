package rpc

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Sentences are what a [Trouble] says, in English. Another language needs a text
// for each, with the same facts in the same order.
var Sentences = map[string]string{
	"reach.address":     "%q is not an address such as https://erp.example.org",
	"reach.broken":      "an answer that is cut off or not XML-RPC",
	"reach.certificate": "its certificate is not valid for %s",
	"reach.clear":       "the key would travel in clear text to %s; use https",
	"reach.closed":      "nothing answers at %s",
	"reach.cut":         "the answer of %s was cut off",
	"reach.html":        "it answers %d with %q where Odoo answers data",
	"reach.large":       "an answer of more than %d bytes",
	"reach.late":        "%s does not answer in time",
	"reach.moved":       "%s leads on to %s: connect with that address",
	"reach.name":        "the name %s leads nowhere",
	"reach.old":         "it is %s",
	"reach.other":       "%s cannot be called",
	"reach.path":        "the address of Odoo has no path; try %s",
	"reach.shape":       "an answer of another shape than expected",
	"reach.special":     "%s is in a special network",
	"reach.status":      "%s answers %s",
	"reach.unversioned": "it says no version",
}

// Trouble is one of this package's errors with what is known of it. Its text is
// for people who read English; Says and Facts are for those who do not.
type Trouble struct {
	Of     error    // one of the errors of this package
	Says   string   // which of [Sentences]; empty: none
	Facts  []string // what is in it
	Detail string   // what Odoo, or the operating system, said; never a secret
	cause  error
}

// Error is Of, the sentence and the detail.
func (t *Trouble) Error() string {
	out := t.Of.Error()
	if t.Says != "" {
		out += ": " + Sentence(Sentences[t.Says], t.Facts)
	}
	if t.Detail != "" {
		out += ": " + t.Detail
	}
	return out
}

// Is reports whether target is what the trouble is of.
func (t *Trouble) Is(target error) bool { return errors.Is(t.Of, target) }

// Unwrap is what the operating system said.
func (t *Trouble) Unwrap() error { return t.cause }

// Sentence fills facts in that are text already, whatever the sentence wants.
func Sentence(sentence string, facts []string) string {
	args := make([]any, len(facts))
	for i, f := range facts {
		args[i] = fact(f)
	}
	return fmt.Sprintf(sentence, args...)
}

// fact is text that also stands where a sentence wants a number.
type fact string

// Format writes the text, in quotes where the sentence wants them.
func (f fact) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = io.WriteString(s, strconv.Quote(string(f)))
		return
	}
	_, _ = io.WriteString(s, string(f)) // into memory
}

// says is a trouble with a sentence.
func says(of error, sentence string, facts ...any) *Trouble {
	t := &Trouble{Of: of, Says: sentence}
	for _, f := range facts {
		t.Facts = append(t.Facts, fmt.Sprint(f))
	}
	return t
}

// because adds what somebody else's program said.
func (t *Trouble) because(cause error) *Trouble {
	t.cause, t.Detail = cause, cause.Error()
	return t
}

// told is a trouble of which there are Odoo's own words alone.
func told(of error, words string) *Trouble { return &Trouble{Of: of, Detail: words} }

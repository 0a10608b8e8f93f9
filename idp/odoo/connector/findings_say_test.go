package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// saying functions: which argument names the sentence, and where its facts begin.
var sayers = map[string][2]int{"one": {0, 3}, "say": {0, 1}, "refuse": {0, 2}, "noted": {1, 2}, "says": {1, 2}}

// Everything that is said is one of the sentences, with as many facts as it has
// places, and every sentence is said.
func TestSentences(t *testing.T) {
	said := map[string]bool{}
	for _, call := range append(callsOfSayers(t, "."), callsOfSayers(t, "../rpc")...) {
		at := sayers[call.Fun.(*ast.Ident).Name]
		name, ok := call.Args[at[0]].(*ast.BasicLit)
		if !ok {
			if call.Ellipsis.IsValid() {
				continue // one sayer hands on to another
			}
			t.Errorf("a sentence is not named: %v", call.Args[at[0]])
			continue
		}
		says, err := strconv.Unquote(name.Value)
		if err != nil {
			t.Fatal(err)
		}
		sentence, ok := Sentences[says]
		if !ok {
			t.Errorf("no sentence %q", says)
		}
		if want, have := strings.Count(sentence, "%"), len(call.Args)-at[1]; have != want {
			t.Errorf("%s has %d facts, and %d places for them", says, have, want)
		}
		said[says] = true
	}
	for says := range Sentences {
		if !said[says] {
			t.Errorf("nobody says %q", says)
		}
	}
}

// callsOfSayers are the places in a package's code where something is said.
func callsOfSayers(t *testing.T, dir string) (out []*ast.CallExpr) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && sayers[f.Name] != [2]int{} {
					out = append(out, call)
				}
			}
			return true
		})
	}
	return out
}

func TestOne(t *testing.T) {
	f := one("issuer.silent", Problem, "start it", "https://id.example.org").because("refused")
	if f.Check != "issuer" || f.Says != "issuer.silent" || f.Evidence != "https://id.example.org does not answer: refused" || f.Detail != "refused" || len(f.Facts) != 1 || f.Facts[0] != "https://id.example.org" {
		t.Errorf("%+v", f)
	}
}

// No two packages, or lists, say different things by one name.
func TestSentencesAreOne(t *testing.T) {
	n := 0
	for _, some := range []map[string]string{findingSentences, workSentences, peopleSentences, refusalSentences, rpc.Sentences} {
		n += len(some)
	}
	if n != len(Sentences) {
		t.Errorf("%d sentences have %d names", n, len(Sentences))
	}
}

// A failure has a kind, a sentence and what a machine said; it says in English
// what it said before there were other languages.
func TestWhy(t *testing.T) {
	lock := &saying{ErrWay, one("button", Problem, "put it right", "https://erp.example.org", 200).note()}
	for _, c := range []struct {
		err  error
		want Reason
		text string
	}{
		{nil, Reason{}, ""},
		{idp.ErrDenied, Reason{}, ""},
		{errors.New("the disk is full"), Reason{Said: Said{Detail: "the disk is full"}}, ""},
		{
			fmt.Errorf("sign in: %w", &rpc.Trouble{Of: rpc.ErrUnreachable, Says: "reach.name", Facts: []string{"erp.example.org"}, Detail: "lookup: no such host"}),
			Reason{Kind: "unreachable", Said: Said{"reach.name", []string{"erp.example.org"}, "lookup: no such host"}},
			"sign in: Odoo cannot be reached: the name erp.example.org leads nowhere: lookup: no such host",
		},
		{
			refuse("refused.except", idp.ErrInvalid, "pia"), Reason{Kind: "invalid", Said: Said{Says: "refused.except", Facts: []string{"pia"}}},
			idp.ErrInvalid.Error() + `: except: Odoo has no active user "pia"`,
		},
		{
			lock, Reason{Kind: "way", Check: "button", Said: Said{Says: "button", Facts: []string{"https://erp.example.org", "200"}}},
			ErrWay.Error() + ": https://erp.example.org/web/login shows no button that leads here (status 200); put it right",
		},
		{fmt.Errorf("%w: %w", ErrLost, idp.ErrDenied), Reason{Kind: "ended"}, ""},
		{refuse("accident.ended", ErrAccident, 30, 60), Reason{Kind: "accident", Said: Said{Says: "accident.ended", Facts: []string{"30", "60"}}}, ""},
	} {
		if got := Why(c.err); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %+v", c.err, got)
		}
		if c.text != "" && c.err.Error() != c.text {
			t.Errorf("%q", c.err.Error())
		}
	}
}

// What was kept of a note before it had a sentence is its text.
func TestNoteFromBefore(t *testing.T) {
	kept, err := json.Marshal([]Note{say("back.row", 4)})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]Note{
		`["provider row 4"]`: {Text: "provider row 4"},
		string(kept):         {Text: "provider row 4", Said: Said{Says: "back.row", Facts: []string{"4"}}},
	} {
		var got []Note
		if err := json.Unmarshal([]byte(raw), &got); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: %+v %v", raw, got, err)
		}
	}
}

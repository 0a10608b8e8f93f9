package connector

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Every finding that the doctor can make says one of the sentences, with as
// many facts as it has places, and every sentence is said.
func TestSentences(t *testing.T) {
	said := map[string]bool{}
	for _, call := range callsOfOne(t) {
		name, ok := call.Args[0].(*ast.BasicLit)
		if !ok {
			t.Errorf("a finding does not name its sentence: %v", call.Args[0])
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
		if want, have := strings.Count(sentence, "%"), len(call.Args)-3; have != want {
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

// callsOfOne are the places in this package's code where a finding is made.
func callsOfOne(t *testing.T) (out []*ast.CallExpr) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.go")
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
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "one" {
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

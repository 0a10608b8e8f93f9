package posture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// M-04, M-15: whoever asks what policies say of somebody says all that policies
// select people by. A place that forgets a person's role would be kinder to
// administrators than the sign-in is.
func TestFactsAreWhole(t *testing.T) {
	places := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, is := n.(*ast.CompositeLit)
			if !is {
				return true
			}
			if typ, is := lit.Type.(*ast.SelectorExpr); !is || typ.Sel.Name != "Facts" {
				return true
			}
			said := map[string]bool{}
			for _, e := range lit.Elts {
				if kv, is := e.(*ast.KeyValueExpr); is {
					if key, is := kv.Key.(*ast.Ident); is {
						said[key.Name] = true
					}
				}
			}
			if !said["User"] { // nobody in particular
				return true
			}
			places++
			for _, key := range []string{"Email", "Login", "Kind", "Groups", "Administrator"} {
				if !said[key] {
					t.Errorf("%s: the facts of a person are without %s", path, key)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || places < 7 {
		t.Errorf("%d places, %v: the test does not look", places, err)
	}
}

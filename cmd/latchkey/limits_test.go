package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The most of what one reader can hold in mind. Tests are not counted.
const (
	mostLines   = 60  // of a function
	mostInFile  = 400 // lines of a file
	mostMethods = 20  // of a type
)

// exceptions are over a limit still. Nothing is added here, and what is within
// the limits again must go: a list that keeps dead names hides new ones.
var exceptions []string

func TestFloorsLimits(t *testing.T) {
	var over []string
	methods := map[string]int{}
	eachFile(t, func(dir string, set *token.FileSet, f *ast.File) {
		name := path.Join(dir, filepath.Base(set.Position(f.Pos()).Filename))
		if n := set.File(f.Pos()).LineCount(); n > mostInFile {
			over = append(over, name)
			t.Logf("%s has %d lines", name, n)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			of := dir + "."
			if fn.Recv != nil {
				of += receiver(fn.Recv.List[0].Type)
				methods[of]++
				of += "."
			}
			if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; n > mostLines {
				over = append(over, of+fn.Name.Name)
				t.Logf("%s has %d lines", of+fn.Name.Name, n)
			}
		}
	})
	for name, n := range methods {
		if n > mostMethods {
			over = append(over, name)
			t.Logf("%s has %d methods", name, n)
		}
	}
	for _, name := range over {
		if !slices.Contains(exceptions, name) {
			t.Errorf("%s is over a limit: find the concept that hides in it", name)
		}
	}
	for _, name := range exceptions {
		if !slices.Contains(over, name) {
			t.Errorf("%s is within the limits, or gone: take it out of the exceptions", name)
		}
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return fmt.Sprint(e)
}

// eachFile parses all code but that of tests and of modules that stand in for
// libraries.
func eachFile(t *testing.T, do func(dir string, set *token.FileSet, f *ast.File)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, inner := os.Stat(filepath.Join(p, "go.mod")); d.IsDir() && inner == nil && p != root {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		do(filepath.ToSlash(dir), set, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

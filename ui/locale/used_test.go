package locale

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// {{.T "key"}}, {{$.N "key" 3}} and T("key") in templates; "key" in Go.
	literal = regexp.MustCompile(`"([a-z][a-z_]*(?:\.[a-z_%]+)+)"`)
	// "error." + x: every key that begins so may be meant.
	keyed = regexp.MustCompile(`^[a-z_.]+$`)
)

// Every key that a template or a handler names exists, and every key is named
// by one. A key with a hole ("factor.%s.title", "scope." + name) stands for
// all that fit.
func TestKeysUsed(t *testing.T) {
	fallback.spoken()
	named := map[string]bool{}
	var holes []*regexp.Regexp
	for _, source := range sources(t) {
		for _, m := range literal.FindAllStringSubmatch(source, -1) {
			if strings.Contains(m[1], "%s") {
				holes = append(holes, hole(m[1]))
			} else {
				named[m[1]] = true
			}
		}
		for _, m := range regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]+)*\.)"`).FindAllStringSubmatch(source, -1) {
			holes = append(holes, hole(m[1]))
		}
		// A template's own calls must all be keys.
		for _, m := range regexp.MustCompile(`\{\{[^}]*\.[TN] "([^"%]+)"`).FindAllStringSubmatch(source, -1) {
			if _, ok := fallback.Words[m[1]]; !ok {
				t.Errorf("a template says %q, which is no key", m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\.[TN]\("([a-z_.]+[a-z_])"[,)]`).FindAllStringSubmatch(source, -1) {
			if _, ok := fallback.Words[m[1]]; !ok {
				t.Errorf("a handler says %q, which is no key", m[1])
			}
		}
	}
	for key := range fallback.Words {
		used := named[key]
		for _, h := range holes {
			used = used || h.MatchString(key)
		}
		if !used {
			t.Errorf("nobody says %q", key)
		}
		if !keyed.MatchString(key) {
			t.Errorf("%q is no shape for a key", key)
		}
	}
}

func hole(s string) *regexp.Regexp {
	if strings.HasSuffix(s, ".") {
		return regexp.MustCompile("^" + regexp.QuoteMeta(s) + ".+$")
	}
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(s), "%s", "[a-z_]+") + "$")
}

// sources reads all templates and all Go files of the user interface but tests.
func sources(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(p, "_test.go") {
			return err
		}
		if ext := filepath.Ext(p); ext != ".go" && ext != ".html" {
			return nil
		}
		b, err := os.ReadFile(p)
		out = append(out, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}

package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"latchkey": main})
}

// TestScripts runs the command line as an operator would: one program run a
// line, in an empty folder, on the embedded database.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		env.Setenv("GORACE", "atexit_sleep_ms=10") // a whole second for each command otherwise
		return nil
	}})
}

// Every command explains itself, with an example that it would take.
func TestHelp(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		switch {
		case c.Name() == "help" || c.Name() == "completion":
			return
		case c.Short == "":
			t.Errorf("%s does not say what it does", c.CommandPath())
		}
		own := 0
		for line := range strings.SplitSeq(c.Example, "\n") {
			if i := strings.Index(line, "latchkey"); i >= 0 && strings.HasPrefix(line, "  ") {
				own++
				found, _, err := c.Root().Find(strings.Fields(line[i:])[1:])
				if err == nil && !c.HasSubCommands() && found != c {
					t.Errorf("%s: its example runs %s", c.CommandPath(), found.CommandPath())
				}
			}
		}
		if own == 0 {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for _, below := range c.Commands() {
			visit(below)
		}
	}
	visit((&app{}).root())
}

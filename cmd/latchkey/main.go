// Command latchkey is an OpenID Connect identity provider with multi-factor
// authentication for companies that run Odoo.
//
// The commands only parse, call a use case and print; the same use cases serve
// the pages. house.go puts the program together.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// stderr is where the program's own log goes; standard output belongs to
// answers.
var stderr io.Writer = os.Stderr

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{}
	return a.finish(a.root().ExecuteContext(ctx), stderr)
}

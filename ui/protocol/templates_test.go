package protocol

import "testing"

// A broken template would otherwise show when somebody first opens its page.
func TestTemplates(*testing.T) { set.ParseAll() }

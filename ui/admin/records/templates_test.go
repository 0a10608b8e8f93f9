package records

import "testing"

// Every page of the package can be parsed.
func TestTemplates(*testing.T) { set.ParseAll() }

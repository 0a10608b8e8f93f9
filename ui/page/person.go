package page

import (
	"strings"
	"unicode/utf8"

	"latchkey/idp"
)

// Person is how a page shows somebody; the template "person" draws it.
type Person struct {
	Name    string
	Login   string
	Initial string
}

// PersonOf takes what a page may show of a user.
func PersonOf(u idp.User) Person {
	name := strings.TrimSpace(u.Name)
	if name == "" {
		name = u.Login
	}
	p := Person{Name: name, Login: u.Login}
	if r, _ := utf8.DecodeRuneInString(name); r != utf8.RuneError {
		p.Initial = strings.ToUpper(string(r))
	}
	return p
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// maxSecretLine bounds what is read from a pipe.
const maxSecretLine = 64 * 1024

// secretLine reads one line from standard input; spaces belong to the secret,
// the end of the line does not.
func secretLine(cmd *cobra.Command, flag string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), maxSecretLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", usagef("%s: standard input has no first line", flag)
	}
	return line, nil
}

// terminal reports whether a person sits in front of standard input.
func terminal() bool { return term.IsTerminal(int(os.Stdin.Fd())) }

// askPassword asks twice without echo. An empty answer is no password.
func askPassword(cmd *cobra.Command) (string, error) {
	ask := func(prompt string) (string, error) {
		fmt.Fprint(cmd.ErrOrStderr(), prompt)
		b, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(b), err
	}
	first, err := ask("Password (empty for none): ")
	if err != nil || first == "" {
		return "", err
	}
	again, err := ask("The same again: ")
	if err == nil && first != again {
		err = usagef("the two passwords differ; nothing was changed")
	}
	return first, err
}

// askSecret asks once without echo.
func askSecret(cmd *cobra.Command, prompt string) (string, error) {
	fmt.Fprint(cmd.ErrOrStderr(), prompt)
	b, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(cmd.ErrOrStderr())
	if err == nil && len(b) == 0 {
		err = usagef("nothing was typed")
	}
	return string(b), err
}

// sure asks a person before something that cannot be undone. A script must say
// that it knows what it does.
func sure(cmd *cobra.Command, yes bool, what string) error {
	switch {
	case yes:
		return nil
	case !terminal():
		return usagef("this cannot be undone and there is nobody to ask: add --yes")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s This cannot be undone. Type yes to go on: ", what)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err == nil && strings.TrimSpace(answer) != "yes" {
		err = errors.New("nothing was changed")
	}
	return err
}

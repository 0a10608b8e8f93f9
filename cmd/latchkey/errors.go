package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/mfa/policy"
	"latchkey/migrations"
)

// Exit codes, for every command.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// finish tells what went wrong, in a line for each thing, and returns the exit
// code.
func (a *app) finish(err error, w io.Writer) int {
	if err == nil {
		return exitOK
	}
	code := exitFailed
	if usage := (usageError{}); !a.started || errors.As(err, &usage) {
		code = exitUsage
	}
	lines := explain(err)
	if len(lines) == 0 {
		return code // a command that has printed its own findings
	}
	if a.json {
		says := map[string]any{"error": strings.Join(lines, "\n")}
		if ms := (config.Mistakes{}); errors.As(err, &ms) {
			says["mistakes"] = ms
		}
		text, _ := json.Marshal(says) // strings can be encoded
		fmt.Fprintln(w, string(text))
		return code
	}
	for _, l := range lines {
		fmt.Fprintln(w, "latchkey:", l)
	}
	if code == exitUsage {
		fmt.Fprintln(w, "latchkey: `--help` after the command shows how it is used")
	}
	return code
}

// errFindings is the failure of a command that has printed why.
var errFindings = errors.New("")

// cures says what to do about an error that does not say it itself.
var cures = []struct {
	err  error
	cure string
}{
	{idp.ErrTaken, "choose another name, or look at who has it with `list` and `show`"},
	{idp.ErrBusy, "try again in a moment"},
	{idp.ErrSpent, "somebody else changed it at the same moment: look at it again, then repeat the command"},
	{keyring.ErrSealed, "the database was made with another keyring: set secrets.keyring_file to that one"},
	{keyring.ErrBroken, "restore the keyring from its backup"},
	{migrations.ErrPending, "`latchkey migrate up` does it"},
	{fs.ErrPermission, "run the command as the user that the server runs as"},
	{context.Canceled, "it was interrupted; nothing half-done is left"},
}

// explain turns an error into lines for a person, each once.
func explain(err error) []string {
	var out []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		for _, word := range []error{idp.ErrInvalid, idp.ErrNotFound, policy.ErrInvalid} { // what follows says more
			line = strings.ReplaceAll(line, word.Error()+": ", "")
		}
		line = strings.TrimSpace(line)
		for _, pkg := range []string{"idp", "config", "mfa", "keyring", "store", "migrations", "mail", "redis"} {
			line = strings.TrimPrefix(line, pkg+": ")
		}
		if line != "" && line != policy.ErrInvalid.Error() && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	for _, c := range cures {
		if len(out) > 0 && errors.Is(err, c.err) {
			out[len(out)-1] += "; " + c.cure
		}
	}
	return out
}

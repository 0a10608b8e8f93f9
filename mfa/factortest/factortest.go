// Package factortest holds the rules that every [mfa.Factor] must keep,
// whatever it is made of. A new factor's tests call [Run].
package factortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"latchkey/mfa"
)

// Driver answers a factor's prompts as its rightful owner would.
type Driver struct {
	Factor mfa.Factor
	// Right answers a prompt. For a verification, kept is what the enrolment
	// of the same person showed.
	Right func(t *testing.T, kept, now mfa.Prompt) mfa.Answer
	// Later makes the next right answer differ from the last: it moves a
	// clock, or turns to the next code of a list.
	Later func()
}

// Run checks a factor against the contract.
func Run(t *testing.T, d Driver) {
	t.Run("wrong answers", d.wrongAnswers)
	t.Run("nothing to show", d.secretsStayAtEnrolment)
	t.Run("once", d.once)
	t.Run("owner only", d.ownerOnly)
	t.Run("no state of its own", d.stateless)
}

var (
	ada = mfa.Subject{ID: "ada", Name: "ada@example.org", Email: "ada@example.org", EmailVerified: true, Phone: "+4915112345678", PhoneVerified: true, Locale: "de"}
	bob = mfa.Subject{ID: "bob", Name: "bob", Email: "bob@example.org", EmailVerified: true, Phone: "+4915187654321", PhoneVerified: true, Locale: "fr"}
)

// noise are answers that no factor may take for right (T-02, ASVS 2.2.1).
var noise = []mfa.Answer{
	{},
	{Code: " "},
	{Code: "\x00"},
	{Code: "wrong"},
	{Code: "000000\x00"},
	{Code: "-1"},
	{Code: "+12345"},
	{Code: "0x1234"},
	{Code: "1e5"},
	{Code: "٠١٢٣٤٥"}, // Arabic-Indic digits
	{Code: "１２３４５６"}, // fullwidth digits
	{Code: "\xff\xfe\xfd"},
	{Code: strings.Repeat("1", 1<<16)},
	{Code: strings.Repeat(" ", 1<<16)},
	{Public: json.RawMessage(`{`)},
	{Public: json.RawMessage(`{"id":"` + strings.Repeat("A", 1<<12) + `"}`)},
}

// held is somebody's confirmed credential.
type held struct {
	who    mfa.Subject
	prompt mfa.Prompt
	cred   mfa.Credential
}

func (d Driver) enroll(t *testing.T, who mfa.Subject) held {
	t.Helper()
	p, st, err := d.Factor.Enroll(t.Context(), who, nil)
	if err != nil {
		t.Fatalf("Enroll: %v", err)
	}
	if p.Shape == "" {
		t.Error("Enroll: the prompt has no shape, so no page can draw it")
	}
	c, err := d.Factor.Confirm(t.Context(), who, st, d.Right(t, p, p))
	if err != nil {
		t.Fatalf("Confirm with the right answer: %v", err)
	}
	d.Later()
	// What the engine sets is not the factor's to rely on.
	c.ID, c.Subject, c.Kind, c.Version = mfa.CredentialID("of-"+who.ID), who.ID, d.Factor.Kind(), 1
	return held{who, p, c}
}

func (d Driver) ask(t *testing.T, h held) (mfa.Prompt, mfa.State) {
	t.Helper()
	p, st, err := d.Factor.Ask(t.Context(), h.who, []mfa.Credential{h.cred})
	if err != nil {
		t.Fatalf("Ask: %v", err)
	}
	return p, st
}

func (d Driver) wrongAnswers(t *testing.T) {
	_, st, err := d.Factor.Enroll(t.Context(), ada, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range noise {
		if _, err := d.Factor.Confirm(t.Context(), ada, st, a); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("Confirm(%.20q): %v, want ErrWrong", a.Code, err)
		}
	}
	h := d.enroll(t, ada)
	_, st = d.ask(t, h)
	for _, a := range append(slices.Clone(noise), mfa.Answer{Kept: true}) {
		if _, err := d.Factor.Check(t.Context(), ada, []mfa.Credential{h.cred}, st, a); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("Check(%.20q): %v, want ErrWrong", a.Code, err)
		}
	}
}

// M-12: a secret is shown once, while it is made.
func (d Driver) secretsStayAtEnrolment(t *testing.T) {
	h := d.enroll(t, ada)
	p, _ := d.ask(t, h)
	if p.Shape == "" {
		t.Error("the prompt has no shape")
	}
	if p.Secret != "" || p.URI != "" || p.Codes != nil {
		t.Errorf("Ask shows a secret: %+v", p)
	}
}

// Whatever proved something must not prove it again: either the credential
// remembers the use, or the challenge's own secret is gone with it.
func (d Driver) once(t *testing.T) {
	h := d.enroll(t, ada)
	for i := range 3 {
		p, st := d.ask(t, h)
		answer := d.Right(t, h.prompt, p)
		used, err := d.Factor.Check(t.Context(), ada, []mfa.Credential{h.cred}, st, answer)
		if err != nil {
			t.Fatalf("use %d: Check with the right answer: %v", i+1, err)
		}
		if used.ID != h.cred.ID || used.Subject != h.cred.Subject || used.Version != h.cred.Version {
			t.Errorf("Check returned another credential: %s of %s", used.ID, used.Subject)
		}
		h.cred = used
		_, again := d.ask(t, h)
		if _, err := d.Factor.Check(t.Context(), ada, []mfa.Credential{used}, again, answer); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("use %d: Check with a used answer: %v, want ErrWrong", i+1, err)
		}
		d.Later()
	}
}

// T-11: one person's answer is wrong for everybody else.
func (d Driver) ownerOnly(t *testing.T) {
	p, _, err := d.Factor.Enroll(t.Context(), ada, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, err := d.Factor.Enroll(t.Context(), bob, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Factor.Confirm(t.Context(), bob, foreign, d.Right(t, p, p)); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("Confirm with another person's answer: %v, want ErrWrong", err)
	}
	d.Later()
	hers, his := d.enroll(t, ada), d.enroll(t, bob)
	now, _ := d.ask(t, hers)
	_, st := d.ask(t, his)
	answer := d.Right(t, hers.prompt, now)
	if _, err := d.Factor.Check(t.Context(), bob, []mfa.Credential{his.cred}, st, answer); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("Check with another person's answer: %v, want ErrWrong", err)
	}
	if _, err := d.Factor.Check(t.Context(), ada, nil, st, answer); err == nil {
		t.Error("Check proved a credential that nobody holds")
	}
}

// A factor that changes what it was given would make a failed transaction
// half true; one that crashes on a broken store would end the process.
func (d Driver) stateless(t *testing.T) {
	h := d.enroll(t, ada)
	before := bytes.Clone(h.cred.Data)
	p, st := d.ask(t, h)
	kept := bytes.Clone(st)
	if _, err := d.Factor.Check(t.Context(), ada, []mfa.Credential{h.cred}, st, d.Right(t, h.prompt, p)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, h.cred.Data) || !bytes.Equal(kept, st) {
		t.Error("Check changed its arguments")
	}
	for _, junk := range [][]byte{nil, []byte("{"), []byte("[]"), []byte("null"), []byte("\x00")} {
		broken := h.cred
		broken.Data = junk
		if _, err := d.Factor.Check(t.Context(), ada, []mfa.Credential{broken}, st, d.Right(t, h.prompt, p)); err == nil {
			t.Errorf("Check took data %q for a credential", junk)
		}
		if _, err := d.Factor.Confirm(t.Context(), ada, junk, mfa.Answer{Code: "000000"}); err == nil {
			t.Errorf("Confirm took %q for a state", junk)
		}
	}
}

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"golang.org/x/text/language"

	"latchkey/mfa"
)

// presets are sessions by name (SECURITY.md §1, 11).
var presets = []struct {
	name string
	Session
}{
	{"staff", Session{Absolute: 12 * time.Hour, Idle: 30 * time.Minute}},
	{"portal", Session{Absolute: 24 * time.Hour, Idle: time.Hour}},
	{"pci", Session{Absolute: 12 * time.Hour, Idle: 15 * time.Minute}}, // PCI DSS 8.2.8
}

func (r policyReader) what(at string, n ast.Node) What {
	var w What
	before := len(r.mistakes)
	known := []field{
		{key: "assurance", read: func(key string, n ast.Node) {
			w.Assurance = Assurance(r.oneOf(key, n, strs(assurances)))
		}},
		{key: "methods", read: func(key string, n ast.Node) { w.Methods = r.methods(key, n) }},
		{key: "enrolment", read: func(key string, n ast.Node) { w.Enrolment = r.enrolment(key, n) }},
		{key: "trusted_devices", read: func(key string, n ast.Node) { w.Devices = r.devices(key, n) }},
		{key: "session", read: func(key string, n ast.Node) { w.Session = r.session(key, n) }},
		{key: "codes", read: func(key string, n ast.Node) { w.Codes = r.codes(key, n) }},
		{key: "passkeys", read: func(key string, n ast.Node) { w.Passkeys = r.passkeys(key, n) }},
		{key: "lock", read: func(key string, n ast.Node) { w.Lock = r.oneOf(key, n, []string{lockHard, lockSoft}) }},
		{key: "banner", read: func(key string, n ast.Node) { w.Banner = r.banner(key, n) }},
	}
	given := r.fields(n, at, known)
	if len(r.mistakes) > before {
		return w
	}
	r.someOf(n, at, len(given) > 0, "assurance", "methods", "trusted_devices", "session", "codes", "passkeys", "lock", "banner")
	if slices.Contains(given, "enrolment") && w.Assurance == "" && w.Methods == nil {
		r.wrong(n, at+".enrolment", "", "says from when on assurance and methods hold; one of them must be there")
	}
	return w
}

func (r policyReader) methods(key string, n ast.Node) []mfa.Kind {
	var names []string
	for _, m := range methods {
		if !m.always {
			names = append(names, string(m.kind))
		}
	}
	items := r.list(key, n)
	if _, isList := n.(*ast.SequenceNode); isList && len(items) == 0 {
		r.wrong(n, key, "", "must name at least one of "+join(names))
	}
	var out []mfa.Kind
	for i, item := range items {
		out = append(out, mfa.Kind(r.oneOf(fmt.Sprintf("%s[%d]", key, i+1), item, names)))
	}
	return out
}

func (r policyReader) enrolment(at string, n ast.Node) Enrolment {
	var e Enrolment
	before := len(r.mistakes)
	given := r.fields(n, at, []field{
		{key: "mode", read: func(key string, n ast.Node) { r.oneOf(key, n, []string{"immediate"}) }},
		{key: "deadline", read: func(key string, n ast.Node) { e.Deadline = r.day(key, n) }},
		{key: "grace_days", read: func(key string, n ast.Node) {
			e.GraceDays = int(r.between(key, n, &limit{least: 1, most: maxGrace}))
		}},
	})
	if len(r.mistakes) == before && len(given) != 1 {
		r.wrong(n, at, "", "must say one of mode: immediate, deadline: 2027-03-01, grace_days: 14")
	}
	return e
}

func (r policyReader) devices(at string, n ast.Node) *Devices {
	var d Devices
	r.fields(n, at, []field{
		{key: "days", required: true, read: func(key string, n ast.Node) { d.Days = int(r.number(key, n, "trusted_devices", "days")) }},
	})
	return &d
}

func (r policyReader) session(at string, n ast.Node) Session {
	if word, ok := scalar(n); ok {
		var names []string
		for _, p := range presets {
			if p.name == word {
				return p.Session
			}
			names = append(names, p.name)
		}
		r.wrong(n, at, word, "must be one of "+join(names)+", or absolute and idle")
		return Session{}
	}
	var s Session
	before := len(r.mistakes)
	r.fields(n, at, []field{
		{key: "absolute", read: func(key string, n ast.Node) { s.Absolute = time.Duration(r.number(key, n, "session", "absolute")) }},
		{key: "idle", read: func(key string, n ast.Node) { s.Idle = time.Duration(r.number(key, n, "session", "idle")) }},
	})
	if len(r.mistakes) > before {
		return s
	}
	r.someOf(n, at, s != Session{}, "absolute", "idle")
	if s.Absolute > 0 && s.Idle > s.Absolute {
		r.wrong(n, at+".idle", short(s.Idle), "must not be longer than absolute, "+short(s.Absolute))
	}
	return s
}

func (r policyReader) codes(at string, n ast.Node) Codes {
	var c Codes
	before := len(r.mistakes)
	r.fields(n, at, []field{
		{key: "validity", read: func(key string, n ast.Node) { c.Validity = time.Duration(r.number(key, n, "codes", "validity")) }},
		{key: "digits", read: func(key string, n ast.Node) { c.Digits = int(r.number(key, n, "codes", "digits")) }},
		{key: "tries", read: func(key string, n ast.Node) { c.Tries = int(r.number(key, n, "codes", "tries")) }},
	})
	if len(r.mistakes) == before {
		r.someOf(n, at, c != Codes{}, "validity", "digits", "tries")
	}
	return c
}

// aaguid is the make of an authenticator (WebAuthn Level 3 §6.5.1).
var aaguid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// noMake is what an authenticator says that does not tell its make.
const noMake = "00000000-0000-0000-0000-000000000000"

func (r policyReader) passkeys(at string, n ast.Node) Passkeys {
	var p Passkeys
	before := len(r.mistakes)
	given := r.fields(n, at, []field{
		{key: "clones", read: func(key string, n ast.Node) { p.Clones = r.oneOf(key, n, []string{clonesRefuse, clonesWarn}) }},
		{key: "attestation", read: func(key string, n ast.Node) {
			p.Attestation = r.oneOf(key, n, []string{attestationRequired, attestationNone})
		}},
		{key: "models", read: func(key string, n ast.Node) {
			for i, item := range r.some(key, n) {
				text, _ := scalar(item)
				text = strings.ToLower(text)
				if !aaguid.MatchString(text) || text == noMake {
					r.wrong(item, fmt.Sprintf("%s[%d]", key, i+1), plain(item), "must be an AAGUID such as cb69481e-8ff7-4039-93ec-0a2729a154a8")
				}
				p.Models = append(p.Models, text)
			}
		}},
	})
	if len(r.mistakes) == before {
		r.someOf(n, at, len(given) > 0, "clones", "attestation", "models")
	}
	return p
}

// banner reads a text by language (BCP 47).
func (r policyReader) banner(at string, n ast.Node) map[string]string {
	out := map[string]string{}
	before := len(r.mistakes)
	for _, v := range r.pairs(at, n, "must be a text by language, such as {en: Hello, fr: Bonjour}") {
		name, ok := scalar(v.Key)
		key := at + "." + name
		tag, err := language.Parse(name)
		switch {
		case !ok || err != nil || tag == language.Und:
			r.wrong(v.Key, key, "", "is no language such as en, fr or pt-BR")
		case out[tag.String()] != "":
			r.wrong(v.Key, key, "", "is said twice")
		default:
			out[tag.String()] = r.sentence(key, v.Value)
		}
	}
	if len(r.mistakes) == before {
		r.someOf(n, at, len(out) > 0, "a text by language, such as {en: Hello, fr: Bonjour}")
	}
	return out
}

// sentence is a text for people. Signs that turn the direction of writing are
// refused, too: with them a text reads as another one.
func (r policyReader) sentence(key string, n ast.Node) string {
	text, ok := r.text(key, n)
	const most = 500
	if ok && (text == "" || text != strings.TrimSpace(text) || utf8.RuneCountInString(text) > most || !utf8.ValidString(text) ||
		strings.ContainsFunc(text, func(c rune) bool {
			return unicode.IsControl(c) || unicode.In(c, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
		})) {
		r.wrong(n, key, text, fmt.Sprintf("must be one line of 1 to %d characters, with no space at its ends", most))
	}
	return text
}

func strs[S ~string](in []S) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"latchkey/idp"
)

// claimFlags are standard claims that have a flag of their own.
var claimFlags = map[string]string{
	"email": "--email", "email_verified": "--verified", "name": "--name", "locale": "--locale", "phone_number": "--phone",
	"phone_number_verified": "--verified", "groups": "--group",
}

// readClaims reads --claims. A claim that we would not hand out again is a
// mistake, not something to drop in silence.
func readClaims(text string) (idp.Profile, error) {
	var p idp.Profile
	var given map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &given); err != nil || given == nil {
		return p, usagef(`--claims: a JSON object such as {"given_name":"Ada"} is expected: %v`, err)
	}
	var errs []error
	unknown := func(prefix string, in map[string]json.RawMessage, known []string) {
		for name := range in {
			if flag := claimFlags[name]; flag != "" && prefix == "" {
				errs = append(errs, usagef("--claims: %s is set with %s", name, flag))
			} else if !slices.Contains(known, name) {
				errs = append(errs, usagef("--claims: unknown claim %q; allowed: %s", prefix+name, strings.Join(known, ", ")))
			}
		}
	}
	unknown("", given, jsonNames(reflect.TypeFor[idp.Profile]()))
	var address map[string]json.RawMessage
	if json.Unmarshal(given["address"], &address) == nil {
		unknown("address.", address, jsonNames(reflect.TypeFor[idp.Address]()))
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return p, errors.Join(errs...)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	err := d.Decode(&p)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return p, usagef("--claims: %s is a %s; text is expected", wrong.Field, wrong.Value)
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return p, nil
		}
	}
	return p, usageError{fmt.Errorf("--claims: %w", err)}
}

func jsonNames(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}

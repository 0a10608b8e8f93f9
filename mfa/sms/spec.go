package sms

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed gateways/*.yaml
var files embed.FS

// spec is what a file in gateways says of one kind of gateway. In its texts
// {name} stands for a setting; {to} is the number in E.164, {number} the same
// without the plus, {text} what is sent, {id} the message's id.
type spec struct {
	Title    string             `yaml:"title"`
	Settings map[string]setting `yaml:"settings"`
	// OneOf lists settings of each of which at least one is wanted.
	OneOf [][]string `yaml:"one_of"`
	// Open lets the configuration have its own method, headers, form or json,
	// status and receipt.
	Open bool `yaml:"open"`
	// Log means that there is no gateway: the log gets it.
	Log bool `yaml:"log"`

	Method  string            `yaml:"method"` // default POST
	URL     string            `yaml:"url"`
	Headers map[string]string `yaml:"headers"`
	Form    map[string]string `yaml:"form"` // one of form and json
	JSON    any               `yaml:"json"`
	// Extra adds to the form.
	Extra    []extra  `yaml:"extra"`
	Auth     auth     `yaml:"auth"`
	Accepted accepted `yaml:"accepted"`
	// Receipt and Reason say where in the answer the message's id and the
	// cause of a refusal are: a JSON pointer (RFC 6901) or xml:ELEMENT.
	Receipt string `yaml:"receipt"`
	Reason  string `yaml:"reason"`
}

// setting is something that an operator sets.
type setting struct {
	About    string `yaml:"about"`
	Like     string `yaml:"like"`    // a regular expression for the whole value
	Default  string `yaml:"default"` // may name other settings
	Optional bool   `yaml:"optional"`
	Secret   bool   `yaml:"secret"`
	URL      bool   `yaml:"url"`
	Plain    bool   `yaml:"plain"` // a URL may be http:// to another machine
}

// extra are fields for when a setting is there, or for a text that is not in
// the alphabet of SMS.
type extra struct {
	When string            `yaml:"when"` // a setting, or "unicode"
	Form map[string]string `yaml:"form"`
}

// accepted says which answers mean that the gateway has taken the message.
type accepted struct {
	Status  []string          `yaml:"status"`  // such as 201 or 2xx
	Equal   map[string]string `yaml:"equal"`   // JSON pointers and what stands there
	Present []string          `yaml:"present"` // JSON pointers where something stands
}

// specs reads the files once.
var specs = sync.OnceValues(func() (map[string]spec, error) {
	names, err := fs.Glob(files, "gateways/*.yaml")
	if err != nil {
		return nil, err
	}
	out := map[string]spec{}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var s spec
		if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("sms: %s: %w", name, err)
		}
		if s.Method == "" {
			s.Method = "POST"
		}
		out[strings.TrimSuffix(path.Base(name), ".yaml")] = s
	}
	return out, nil
})

package sms

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Settings are one gateway of the configuration.
type Settings struct {
	Name     string
	Type     string
	Prefixes []string // the numbers that it is for, such as +33; none: all
	// Values are strings, and for a gateway of type http also method, headers,
	// form or json, status and receipt as they stand in a spec.
	Values map[string]any
	// Client calls this gateway; nil: one that reaches private networks, too,
	// which only an operator's own settings may.
	Client *http.Client
}

// Mistake is one thing that is wrong with the settings of a gateway.
type Mistake struct {
	Index   int    // of the gateway in the list
	Gateway string // its name
	Setting string
	Value   string // as given; xxxxx for a secret, empty for none
	Allowed string
}

const hidden = "xxxxx"

// Mistakes is every mistake there is.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = fmt.Sprintf("sms: gateway %d %q: %s: %s is expected", m.Index+1, m.Gateway, m.Setting, m.Allowed)
	}
	return strings.Join(lines, "\n")
}

// Secret reports whether a setting of a type of gateway is to be hidden. What
// is not known is.
func Secret(kind, name string) bool {
	all, err := specs()
	s, known := all[kind].Settings[name]
	return err != nil || !known || s.Secret
}

// Types lists the types of gateway.
func Types() []string {
	all, err := specs()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(all))
}

// gateway is a spec with its settings.
type gateway struct {
	name     string
	prefixes []string
	spec     spec
	values   map[string]string
	breaker  breaker
	client   *http.Client
}

// fits is the length of the longest prefix that a number begins with; 0 when
// the gateway is for all, and -1 when it is not for this one.
func (g *gateway) fits(number string) int {
	longest := -1
	for _, p := range g.prefixes {
		if strings.HasPrefix(number, p) {
			longest = max(longest, len(p))
		}
	}
	if len(g.prefixes) == 0 {
		return 0
	}
	return longest
}

var prefixed = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`)

// newGateway checks everything, so that every mistake is told at once.
func newGateway(s Settings) (*gateway, Mistakes) {
	var ms Mistakes
	wrong := func(setting, value, allowed string) {
		ms = append(ms, Mistake{Setting: setting, Value: value, Allowed: allowed})
	}
	if s.Name == "" {
		wrong("name", "", "a name of your choice")
	}
	for _, p := range s.Prefixes {
		if !prefixed.MatchString(p) {
			wrong("prefixes", p, "beginnings of numbers, such as +33")
		}
	}
	all, err := specs()
	if err != nil {
		wrong("type", s.Type, err.Error())
		return nil, ms
	}
	sp, known := all[s.Type]
	if !known {
		wrong("type", s.Type, "one of "+strings.Join(Types(), ", "))
		return nil, ms
	}
	g := &gateway{name: s.Name, prefixes: s.Prefixes, spec: sp, values: map[string]string{}}
	ms = append(ms, g.fill(s.Values)...)
	return g, append(ms, g.override(s.Values)...)
}

// fill takes the settings that the spec names.
func (g *gateway) fill(values map[string]any) (ms Mistakes) {
	for _, name := range slices.Sorted(maps.Keys(g.spec.Settings)) {
		s := g.spec.Settings[name]
		v, given := values[name]
		text, ok := v.(string)
		if n, number := v.(json.Number); number {
			text, ok = n.String(), true
		}
		shown := text
		if s.Secret || s.URL { // addresses may have a password in them
			shown = hidden
		}
		switch {
		case given && !ok:
			ms = append(ms, Mistake{Setting: name, Allowed: "a text: " + s.About})
		case text == "" && s.Default == "" && !s.Optional:
			ms = append(ms, Mistake{Setting: name, Allowed: s.About})
		case text != "" && !s.ok(text):
			ms = append(ms, Mistake{Setting: name, Value: shown, Allowed: s.allowed()})
		default:
			g.values[name] = text
		}
	}
	return append(ms, g.complete()...)
}

// complete puts defaults where nothing is set, and misses what is wanted.
func (g *gateway) complete() (ms Mistakes) {
	for name, s := range g.spec.Settings {
		if g.values[name] == "" && s.Default != "" {
			g.values[name] = g.expand(s.Default, nil)
		}
	}
	for _, group := range g.spec.OneOf {
		if !slices.ContainsFunc(group, func(name string) bool { return g.values[name] != "" }) {
			ms = append(ms, Mistake{Setting: group[0], Allowed: "one of " + strings.Join(group, " and ")})
		}
	}
	return ms
}

func (s setting) ok(text string) bool {
	if s.URL {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			return false
		}
		return u.Scheme == "https" || u.Scheme == "http" && (s.Plain || loopback(u.Hostname()))
	}
	if strings.ContainsAny(text, "\r\n\x00") {
		return false
	}
	return s.Like == "" || regexp.MustCompile(`^(?:`+s.Like+`)$`).MatchString(text)
}

func (s setting) allowed() string {
	switch {
	case s.URL && s.Plain:
		return "https://… or http://…"
	case s.URL:
		return "https://…, or http://… on this machine"
	case s.Like != "":
		return s.About + ", like " + s.Like
	}
	return s.About + ", on one line"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ownRequest are the parts of a spec that an open gateway may have its own of.
type ownRequest struct {
	Method  string          `json:"method"`
	Headers map[string]word `json:"headers"`
	Form    map[string]word `json:"form"`
	JSON    any             `json:"json"`
	Status  []word          `json:"status"`
	Receipt string          `json:"receipt"`
}

// word is a text that may have been written as a number.
type word string

// UnmarshalJSON takes a text or a number.
func (w *word) UnmarshalJSON(b []byte) error {
	var n json.Number // also of a text that is a number
	if json.Unmarshal(b, &n) == nil && n != "" {
		*w = word(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(w))
}

func plainWords(all map[string]word) map[string]string {
	if all == nil {
		return nil
	}
	out := make(map[string]string, len(all))
	for name, w := range all {
		out[name] = string(w)
	}
	return out
}

var ownParts = map[string]string{
	"method":  "GET, POST or PUT",
	"headers": "names and values of headers",
	"form":    "names and values of a form, or json in its place",
	"json":    "a JSON body, or form in its place",
	"status":  "a list of status codes, such as 200 or 2xx",
	"receipt": "where the answer has the message's id, such as /id",
}

var (
	statusLike = regexp.MustCompile(`^[1-5]([0-9]{2}|xx)$`)
	headerLike = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// override takes what the spec does not name: the operator's own shape of a
// request, where the spec is open to it. Anything else is a mistake.
func (g *gateway) override(values map[string]any) (ms Mistakes) {
	own := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, known := g.spec.Settings[name]; known {
			continue
		}
		if _, part := ownParts[name]; part && g.spec.Open {
			own[name] = values[name]
			continue
		}
		known := slices.Sorted(maps.Keys(g.spec.Settings))
		if g.spec.Open {
			known = append(known, slices.Sorted(maps.Keys(ownParts))...)
		}
		ms = append(ms, Mistake{Setting: name, Allowed: "no such setting of " + g.spec.Title + "; there are name, type, prefixes, " + strings.Join(known, ", ")})
	}
	var r ownRequest
	for _, name := range slices.Sorted(maps.Keys(own)) {
		raw, err := json.Marshal(map[string]any{name: own[name]})
		if err == nil {
			err = json.Unmarshal(raw, &r)
		}
		if err != nil {
			ms = append(ms, Mistake{Setting: name, Allowed: ownParts[name]})
		}
	}
	if len(ms) > 0 {
		return ms
	}
	return g.adopt(r)
}

func (g *gateway) adopt(r ownRequest) (ms Mistakes) {
	if r.Method != "" {
		if !slices.Contains([]string{"GET", "POST", "PUT"}, r.Method) {
			ms = append(ms, Mistake{Setting: "method", Value: r.Method, Allowed: ownParts["method"]})
		}
		g.spec.Method = r.Method
	}
	if r.Form != nil && r.JSON != nil {
		ms = append(ms, Mistake{Setting: "form", Allowed: ownParts["form"]})
	}
	if r.Form != nil || r.JSON != nil || r.Method == "GET" {
		g.spec.Form, g.spec.JSON = plainWords(r.Form), r.JSON
	}
	g.spec.Headers = maps.Clone(g.spec.Headers)
	for name, value := range plainWords(r.Headers) {
		if !headerLike.MatchString(name) || strings.ContainsAny(value, "\r\n\x00") {
			ms = append(ms, Mistake{Setting: "headers", Value: name, Allowed: ownParts["headers"]})
			continue
		}
		g.spec.Headers[name] = value
	}
	if len(r.Status) > 0 {
		g.spec.Accepted.Status = nil
	}
	for _, s := range r.Status {
		if !statusLike.MatchString(string(s)) {
			ms = append(ms, Mistake{Setting: "status", Value: string(s), Allowed: ownParts["status"]})
		}
		g.spec.Accepted.Status = append(g.spec.Accepted.Status, string(s))
	}
	if r.Receipt != "" {
		g.spec.Receipt = r.Receipt
	}
	return ms
}

// expand puts values in the place of their names, in one pass, so that nothing
// in a value is taken for a name.
func (g *gateway) expand(template string, escape func(string) string, more ...string) string {
	var pairs []string
	for name, v := range g.values {
		pairs = append(pairs, name, v)
	}
	pairs = append(pairs, more...)
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
		if escape != nil {
			pairs[i+1] = escape(pairs[i+1])
		}
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// Setting is one thing that a type of gateway wants to know.
type Setting struct {
	Name     string
	About    string // in English, without a full stop
	Default  string
	Secret   bool
	Optional bool
	URL      bool // an address that secrets are sent to
}

// Describe says what a type of gateway is called and what it wants to know, in
// alphabetical order. known is false for no type.
func Describe(kind string) (title string, all []Setting, known bool) {
	specs, err := specs()
	if err != nil {
		return "", nil, false
	}
	sp, known := specs[kind]
	for _, name := range slices.Sorted(maps.Keys(sp.Settings)) {
		s := sp.Settings[name]
		all = append(all, Setting{Name: name, About: s.About, Default: s.Default, Secret: s.Secret, Optional: s.Optional || s.Default != "", URL: s.URL})
	}
	return sp.Title, all, known
}

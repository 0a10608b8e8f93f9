package rules

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

// former draws forms.
type former struct{ speaker }

// section is a part of the form of a policy.
type section struct {
	Name, Title, Help, Error string
	Inputs                   []input
	Rare                     bool // few policies say anything here
	Open                     bool // this one does, or has a mistake here
}

// input is one field of the table as the form draws it; the piece "rule_input"
// knows its shapes.
type input struct {
	Shape string // field, boxes, rows or texts
	Name  string
	Label string
	Help  string
	Error string
	Field admin.Field   // of field
	Boxes []admin.Field // of boxes, and what can be added to a field of names
	Add   string        // over what can be added
	Rows  []exceptRow   // of rows
	Texts admin.Fields  // of texts
}

// exceptRow is one exemption.
type exceptRow struct{ User, Until admin.Field }

// known is what the house has, for a form to offer.
type known struct {
	Groups  []string
	Clients []string // ids
}

// offered is how many of them a form offers to tick.
const offered = 40

// rare are the parts of the form that stay folded until they say something: a
// first policy needs none of them.
var rare = []string{"codes", "passkeys", "lock", "banner"}

// sections draw a policy's values, from the table of package policy alone.
func (s former) sections(v policy.Values, ms policy.Mistakes, k known) []section {
	var out []section
	for _, f := range policyFields {
		i := slices.IndexFunc(out, func(o section) bool { return o.Name == f.Part })
		if i < 0 {
			i = len(out)
			o := section{Name: f.Part, Title: s.T(fmt.Sprintf("admin.policies.part.%s", f.Part)), Rare: slices.Contains(rare, f.Part)}
			if key := fmt.Sprintf("admin.policies.part_help.%s", f.Part); s.Has(key) {
				o.Help = s.T(key)
			}
			out = append(out, o)
		}
		in := s.input(f, v, ms, k)
		out[i].Inputs = append(out[i].Inputs, in)
		out[i].Open = out[i].Open || v[f.Key] != "" || in.Error != "" || slices.ContainsFunc(in.Texts, func(t admin.Field) bool { return t.Value != "" || t.Error != "" })
	}
	for _, m := range ms {
		if part, text := s.general(m); part != "" {
			if i := slices.IndexFunc(out, func(o section) bool { return o.Name == part }); i >= 0 {
				out[i].Error = text
			}
		}
	}
	return out
}

// general is a mistake that is about several fields together.
func (s former) general(m policy.Mistake) (part, text string) {
	switch key, _, _ := m.Field(); key {
	case "whom":
		return "whom", s.T("admin.policies.wrong.whom")
	case "what":
		return "demand", s.T("admin.policies.wrong.what")
	case "what.enrolment":
		return "demand", s.T("admin.policies.wrong.enrolment")
	}
	return "", ""
}

func (s former) input(f policy.Field, v policy.Values, ms policy.Mistakes, k known) input {
	in := input{Shape: "field", Name: f.Key, Label: s.label(f.Key), Error: s.mistake(f, ms)}
	if key := fmt.Sprintf("admin.policies.help.%s", part(f.Key)); s.Has(key) {
		in.Help = s.T(key)
	}
	in.Field = admin.Field{Name: f.Key, Label: in.Label, Help: in.Help, Error: in.Error, Value: v[f.Key]}
	switch f.Input {
	case policy.Line:
		in.Field.Required = true
	case policy.Yes:
		in.Field.Type = "checkbox"
	case policy.Choice:
		in.Field.Type = "select"
		in.Field.Options = s.options(f, v[f.Key])
	case policy.Choices:
		in.Shape = "boxes"
		for _, o := range f.Options {
			in.Boxes = append(in.Boxes, box(f.Key+"."+o, s.option(f, o), slices.Contains(strings.Split(v[f.Key], "\n"), o)))
		}
	case policy.Names:
		in.Field.Type, in.Field.Rows, in.Field.Mono = "textarea", 2+strings.Count(v[f.Key], "\n"), f.Of != "group"
		in.Boxes, in.Add = s.additions(f, v, k), s.T("admin.policies.add")
	case policy.Number:
		in.Field.Type, in.Field.Min, in.Field.Max = "number", f.Least, f.Most
	case policy.Time:
		in.Field.Mono = true
	case policy.Day:
		in.Field.Type = "date"
	case policy.Excepts:
		in.Shape, in.Rows = "rows", s.rows(f, v, ms)
	case policy.Texts:
		in.Shape, in.Texts = "texts", s.texts(f, v, ms)
	}
	return in
}

func box(name, label string, ticked bool) admin.Field {
	f := admin.Field{Name: name, Label: label, Type: "checkbox"}
	if ticked {
		f.Value = "yes"
	}
	return f
}

func (s former) options(f policy.Field, value string) []admin.Option {
	out := []admin.Option{{Label: s.T("admin.policies.unsaid"), Chosen: value == ""}}
	for _, o := range f.Options {
		out = append(out, admin.Option{Value: o, Label: s.option(f, o), Chosen: o == value})
	}
	return out
}

// additions are the groups or applications that are there and not named yet.
func (s former) additions(f policy.Field, v policy.Values, k known) (out []admin.Field) {
	there := map[string][]string{"group": k.Groups, "client": k.Clients}[f.Of]
	named := strings.Split(v[f.Key], "\n")
	for _, n := range there {
		if !slices.ContainsFunc(named, func(x string) bool { return strings.TrimSpace(x) == n }) && len(out) < offered {
			label := n
			if f.Of == "client" {
				label = s.client(n)
			}
			out = append(out, box(f.Key+"+"+url.PathEscape(n), label, false))
		}
	}
	return out
}

// spare rows of a list can be filled in without a script.
const spare = 2

func (s former) rows(f policy.Field, v policy.Values, ms policy.Mistakes) (out []exceptRow) {
	var lines []string
	if v[f.Key] != "" {
		lines = strings.Split(v[f.Key], "\n")
	}
	for i := range len(lines) + spare {
		var row exceptRow
		n := strconv.Itoa(i + 1)
		row.User = admin.Field{Name: f.Key + ".user." + n, Label: s.T("admin.policies.except_user")}
		row.Until = admin.Field{Name: f.Key + ".until." + n, Label: s.T("admin.policies.except_until"), Type: "date"}
		if i < len(lines) {
			row.User.Value, row.Until.Value, _ = strings.Cut(lines[i], "\t")
		}
		for _, m := range ms {
			if key, item, inner := m.Field(); key == f.Key && item == i+1 {
				if inner == "until" {
					row.Until.Error = s.T("admin.policies.wrong.day")
				} else {
					row.User.Error = s.T("admin.policies.wrong.line")
				}
			}
		}
		out = append(out, row)
	}
	return out
}

// texts has a line for each language of the house, and for those that are there.
func (s former) texts(f policy.Field, v policy.Values, ms policy.Mistakes) (out admin.Fields) {
	var tags []string
	names := map[string]string{}
	for _, l := range locale.Languages() {
		tags, names[l.Tag] = append(tags, l.Tag), l.Name
	}
	for key := range v {
		if tag, is := strings.CutPrefix(key, f.Key+"."); is && names[tag] == "" {
			tags, names[tag] = append(tags, tag), tag
		}
	}
	slices.Sort(tags)
	for _, tag := range tags {
		field := admin.Field{Name: f.Key + "." + tag, Label: names[tag], Value: v[f.Key+"."+tag]}
		if slices.ContainsFunc(ms, func(m policy.Mistake) bool { return m.Key == f.Key+"."+tag }) {
			field.Error = s.T("admin.policies.wrong.texts")
		}
		out = append(out, field)
	}
	return out
}

// mistake is what is wrong with a field, in words.
func (s former) mistake(f policy.Field, ms policy.Mistakes) string {
	for _, m := range ms {
		key, item, _ := m.Field()
		if key != f.Key || f.Input == policy.Excepts || f.Input == policy.Texts {
			continue
		}
		word := string(f.Input)
		if f.Of == "network" || f.Of == "model" {
			word = f.Of
		}
		if f.Key == "what.session.idle" {
			word = "idle"
		}
		args := []any{}
		if f.Least != "" {
			args = append(args, f.Least, f.Most)
		}
		text := s.T(fmt.Sprintf("admin.policies.wrong.%s", word), args...)
		if item > 0 && m.Value != "" {
			text = m.Value + s.T("admin.policies.say.colon") + text
		}
		return text
	}
	return ""
}

// posted reads a form as [former.sections] draws it.
func posted(c *page.Context) policy.Values {
	v := policy.Values{}
	for _, f := range policyFields {
		text := strings.ReplaceAll(c.Form(f.Key), "\r\n", "\n")
		var lines []string
		switch f.Input {
		case policy.Yes:
			if text = ""; c.Form(f.Key) != "" {
				text = "true"
			}
		case policy.Choices:
			for _, o := range f.Options {
				if c.Form(f.Key+"."+o) != "" {
					lines = append(lines, o)
				}
			}
			text = strings.Join(lines, "\n")
		case policy.Names:
			text = strings.Join(append(tidy(text), ticked(c, f.Key+"+")...), "\n")
		case policy.Excepts:
			text = exempted(c, f.Key)
		case policy.Texts:
			for name := range c.R.PostForm {
				if strings.HasPrefix(name, f.Key+".") && c.Form(name) != "" {
					v[name] = c.Form(name)
				}
			}
			continue
		}
		if text != "" {
			v[f.Key] = text
		}
	}
	return v
}

// tidy drops what is empty.
func tidy(text string) (out []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// ticked are the rest of the names of fields that were sent.
func ticked(c *page.Context, prefix string) (out []string) {
	for name := range c.R.PostForm {
		if rest, is := strings.CutPrefix(name, prefix); is {
			if rest, err := url.PathUnescape(rest); err == nil && rest != "" { // what our form did not draw is nothing
				out = append(out, rest)
			}
		}
	}
	slices.Sort(out)
	return out
}

// exempted reads the rows of exemptions; empty ones are none.
func exempted(c *page.Context, key string) string {
	var lines []string
	for i := 1; ; i++ {
		n := strconv.Itoa(i)
		if !c.R.PostForm.Has(key + ".user." + n) {
			return strings.Join(lines, "\n")
		}
		user, until := strings.TrimSpace(c.Form(key+".user."+n)), strings.TrimSpace(c.Form(key+".until."+n))
		user = strings.Map(func(r rune) rune {
			if r == '\t' || r == '\n' || r == '\r' {
				return ' '
			}
			return r
		}, user)
		if user != "" || until != "" {
			lines = append(lines, user+"\t"+until)
		}
	}
}

// mistakesOf are those of an error of a form or a file.
func mistakesOf(err error) policy.Mistakes {
	var ms policy.Mistakes
	errors.As(err, &ms)
	return ms
}

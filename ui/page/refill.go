package page

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// filling is a form that is to be drawn as it was typed.
type filling struct {
	path  string // to which it posts
	typed url.Values
	whole bool
}

// into fills the form in. It works on the page that is drawn, whatever package
// drew it: so no page can forget to, and none has to know about it. Everything
// else goes through as it is, byte for byte.
func (f *filling) into(doc []byte) []byte {
	all := piecesOf(doc)
	forms := formsOf(all)
	best := f.best(forms)
	if best < 0 {
		return doc
	}
	w := filler{filling: f, form: forms[best]}
	for _, p := range all {
		if p.form == best {
			w.put(p)
		} else {
			w.out.Write(p.raw)
		}
	}
	return w.out.Bytes()
}

// piece is a tag, or what is between two.
type piece struct {
	raw []byte
	tag html.Token
	// form is the number of the form that it belongs to, or -1. A field may name
	// its form and stand elsewhere.
	form int
}

// piecesOf takes a page apart.
func piecesOf(doc []byte) []piece {
	var all []piece
	ids, forms, in := map[string]int{}, 0, -1
	for z := html.NewTokenizer(bytes.NewReader(doc)); z.Next() != html.ErrorToken; {
		p := piece{raw: bytes.Clone(z.Raw()), form: in}
		p.tag = z.Token()
		if p.tag.Data == "form" && p.tag.Type == html.StartTagToken {
			in, p.form = forms, forms
			ids[attr(p.tag, "id")] = forms
			forms++
		} else if p.tag.Data == "form" && p.tag.Type == html.EndTagToken {
			in = -1
		}
		all = append(all, p)
	}
	for i, p := range all {
		if id := attr(p.tag, "form"); id != "" {
			n, there := ids[id]
			if all[i].form = n; !there {
				all[i].form = -1
			}
		}
	}
	return all
}

// formSeen is a form of a page, with its fields.
type formSeen struct {
	posts   []string            // paths: its own, and those of its buttons
	names   map[string]bool     // of its fields
	hidden  map[string]string   // the values of the hidden ones
	options map[string][]string // what its lists offer
}

func formsOf(all []piece) []*formSeen {
	var forms []*formSeen
	for _, p := range all {
		if p.tag.Data == "form" && p.tag.Type == html.StartTagToken {
			forms = append(forms, &formSeen{names: map[string]bool{}, hidden: map[string]string{}, options: map[string][]string{}})
		}
	}
	list := ""
	for _, p := range all {
		if p.form >= 0 && (p.tag.Type == html.StartTagToken || p.tag.Type == html.SelfClosingTagToken) {
			list = forms[p.form].note(p.tag, list)
		}
	}
	return forms
}

// note takes a tag down; list is the name of the list that is open.
func (o *formSeen) note(t html.Token, list string) string {
	name := attr(t, "name")
	switch t.Data {
	case "form":
		if strings.EqualFold(attr(t, "method"), "post") {
			o.post(attr(t, "action"))
		}
		return list
	case "button":
		o.post(attr(t, "formaction"))
		return list
	case "option":
		o.options[list] = append(o.options[list], attr(t, "value"))
		return list
	case "select":
		list = name
	case "input":
		if attr(t, "type") == "hidden" {
			o.hidden[name] = attr(t, "value")
		}
	case "textarea":
	default:
		return list
	}
	o.names[name] = true
	return list
}

func (o *formSeen) post(action string) {
	if u, err := url.Parse(action); err == nil && action != "" {
		o.posts = append(o.posts, u.Path)
	}
}

// best is the form that was posted: the one among those for the path that
// agrees most with it, for a list may have one in each row. -1: there is none.
func (f *filling) best(forms []*formSeen) int {
	best, most := -1, -1
	for i, o := range forms {
		if !slices.Contains(o.posts, f.path) {
			continue
		}
		score := 0
		for name := range f.typed {
			if o.names[name] {
				score++
			}
			if was, is := o.hidden[name]; is && was == f.typed.Get(name) {
				score++
			}
		}
		if score > most {
			best, most = i, score
		}
	}
	return best
}

// filler writes the form as it was typed.
type filler struct {
	*filling
	form *formSeen
	list string // the list that is open, if it is one to choose in again
	skip bool   // what is in a text field is replaced
	out  bytes.Buffer
}

func (w *filler) put(p piece) {
	switch {
	case p.tag.Type == html.EndTagToken:
		if p.tag.Data == "select" {
			w.list = ""
		}
		w.skip = w.skip && p.tag.Data != "textarea"
	case p.tag.Type == html.TextToken && w.skip:
		return
	case p.tag.Type == html.StartTagToken || p.tag.Type == html.SelfClosingTagToken:
		w.open(p)
		return
	}
	w.out.Write(p.raw)
}

func (w *filler) open(p piece) {
	name := attr(p.tag, "name")
	value, typed := w.typed[name]
	switch p.tag.Data {
	case "input":
		w.input(p, value, typed)
	case "textarea":
		w.out.Write(p.raw)
		if typed { // browsers drop the first line feed
			w.skip = true
			w.out.WriteString("\n" + html.EscapeString(strings.ReplaceAll(value[0], "\r\n", "\n")))
		}
	case "select":
		w.out.Write(p.raw)
		if typed && slices.Contains(w.form.options[name], value[0]) {
			w.list = name
		}
	case "option":
		if w.list != "" {
			w.tag(p, "selected", attr(p.tag, "value") == w.typed.Get(w.list))
			return
		}
		w.out.Write(p.raw)
	case "details": // what was typed is to be seen
		w.tag(p, "open", true)
	default:
		w.out.Write(p.raw)
	}
}

func (w *filler) input(p piece, value []string, typed bool) {
	switch attr(p.tag, "type") {
	case "checkbox", "radio":
		w.tag(p, "checked", typed && value[0] == attr(p.tag, "value"))
		return
	case "password", "file", "submit", "button", "image", "reset": // secrets are never echoed (SECURITY.md D-06)
		typed = false
	case "hidden":
		typed = typed && ofSender(attr(p.tag, "name"))
	}
	if !typed {
		w.out.Write(p.raw)
		return
	}
	t := bare(p.tag, "value")
	t.Attr = append(t.Attr, html.Attribute{Key: "value", Val: value[0]})
	w.out.WriteString(t.String())
}

// ofSender reports whether a hidden field says what its sender had before their
// eyes: sent again, it must still show that somebody else changed it meanwhile.
// Any other stays as the page has it, for it may say what is done: a button that
// says "look first" must not do it.
func ofSender(name string) bool {
	return name == "version" || name == "seen" || strings.HasPrefix(name, "seen.") || strings.HasPrefix(name, "was.")
}

// tag writes a tag with or without an attribute that stands for itself.
func (w *filler) tag(p piece, name string, on bool) {
	t := bare(p.tag, name)
	if on {
		t.Attr = append(t.Attr, html.Attribute{Key: name})
	}
	w.out.WriteString(t.String())
}

func bare(t html.Token, name string) html.Token {
	t.Attr = slices.DeleteFunc(slices.Clone(t.Attr), func(a html.Attribute) bool { return a.Key == name })
	return t
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

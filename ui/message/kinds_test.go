package message_test

import (
	"regexp"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/texts"
	"latchkey/ui/locale"
	"latchkey/ui/message"
)

// marked says every text of every message by its name and its values.
type marked struct{ said map[string]bool }

func (m marked) Text(kind, language, part string) (string, bool) {
	m.said[kind+" "+part+" "+language] = true
	for _, k := range message.Kinds() {
		for _, p := range k.Parts {
			if k.Name == kind && p.Name == part {
				text := "own-" + part
				for _, v := range p.Values {
					text += " <" + texts.Hole(v) + ">"
				}
				return text, true
			}
		}
	}
	return "", false
}

// what administrators say takes the place of every text that may be said
// otherwise, in the language of its reader, and it is text in HTML, too.
func TestOwnTexts(t *testing.T) {
	own := marked{map[string]bool{}}
	s := message.Sampler{Issuer: "https://id.example.org", Brand: "Maison", Texts: own, Now: clock.Now}
	written := map[string]mail.Message{}
	for _, sample := range s.Samples() {
		m, err := sample.Write(t.Context(), "fr")
		if err != nil {
			t.Fatal(err)
		}
		if written[sample.Name] = m; strings.Contains(m.HTML, "<Maison>") || strings.ContainsAny(m.Subject, "{}") {
			t.Errorf("%s: %s\n%s", sample.Name, m.Subject, m.HTML)
		}
	}
	for _, k := range message.Kinds() {
		lang := "fr"
		if k.Plain {
			lang = locale.Fallback
		}
		for _, p := range k.Parts {
			if !own.said[k.Name+" "+p.Name+" "+lang] {
				t.Errorf("nobody asked for the %s of %s in %s", p.Name, k.Name, lang)
			}
		}
		for _, name := range k.Samples {
			m, there := written[name]
			if !there {
				t.Errorf("%s has no sample %s", k.Name, name)
			}
			if k.Channel == mail.Mail && !strings.HasPrefix(m.Subject, "own-subject") {
				t.Errorf("%s: %s", name, m.Subject)
			}
		}
	}
	// The last line is the phone's, and the code is in it.
	if text := written["sms-code"].Text; !strings.HasPrefix(text, "own-text <482913> <Maison>") || !strings.HasSuffix(text, "\n\n@id.example.org #482913") {
		t.Error(text)
	}
	if m := written["notice-locked"]; !strings.Contains(m.Text, "own-text <Maison>") || !strings.Contains(m.HTML, "own-text &lt;Maison&gt;") {
		t.Error(m.Text)
	}
}

// Every sample of a message that people get belongs to a kind that is listed.
func TestKindsAreWhole(t *testing.T) {
	listed := map[string]bool{}
	for _, k := range message.Kinds() {
		if k.Name != strings.Trim(k.Name, "-") || listed["kind "+k.Name] {
			t.Errorf("%s is there twice", k.Name)
		}
		listed["kind "+k.Name] = true
		for _, s := range k.Samples {
			listed[s] = true
		}
	}
	for _, s := range message.Samples("https://id.example.org", "Maison", clock.Now) {
		if !listed[s.Name] {
			t.Errorf("%s belongs to no kind", s.Name)
		}
	}
	for _, k := range idp.NoticeKinds {
		if !listed["kind "+string(k)] {
			t.Errorf("%s is not listed", k)
		}
	}
}

// The places for values have as many names as the catalogue has places.
func TestPlaces(t *testing.T) {
	verb := regexp.MustCompile(`%(\[\d+\])?[a-z]`)
	for _, k := range message.Kinds() {
		for _, p := range k.Parts {
			for _, l := range locale.Languages() {
				words, _ := locale.Find(l.Tag)
				if n := len(verb.FindAllString(words.T(p.Key), -1)); n != len(p.Values) || !words.Has(p.Key) {
					t.Errorf("%s in %s has %d places, want %d", p.Key, l.Tag, n, len(p.Values))
				}
			}
		}
	}
}

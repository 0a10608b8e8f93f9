package locale

import (
	"strings"
	"testing"
)

// The rehearsal is spoken where somebody has asked for it and never offered. It
// says everything, longer, with the same placeholders.
func TestRehearsal(t *testing.T) {
	if _, ok := Find(Rehearsal); ok || For([]string{Rehearsal}, Rehearsal).Lang() == Rehearsal {
		t.Error("spoken without having been asked for")
	}
	Rehearse()
	t.Cleanup(func() { rehearsing.Store(false) })
	p, ok := Find(Rehearsal)
	if !ok || p.Dir() != "rtl" || For([]string{Rehearsal}, "").Lang() != Rehearsal {
		t.Fatalf("not spoken: %s %s", p.Lang(), p.Dir())
	}
	if For(nil, Rehearsal).Lang() == Rehearsal || For([]string{"ar"}, "").Lang() == Rehearsal {
		t.Error("spoken to whoever has not named it")
	}
	for _, l := range Languages() {
		if l.Tag == Rehearsal {
			t.Error("offered")
		}
	}
	for key, f := range fallback.Words {
		for form, s := range f {
			got := p.catalogue().Words[key][form]
			if strings.Join(verb.FindAllString(got, -1), " ") != strings.Join(verb.FindAllString(s, -1), " ") || len(got) < len(s) {
				t.Errorf("%s: %q became %q", key, s, got)
			}
		}
	}
	if got := p.T("outbox.to", "+33 6 12"); !strings.Contains(got, "\u2068+33 6 12\u2069") {
		t.Errorf("not kept apart: %q", got)
	}
}

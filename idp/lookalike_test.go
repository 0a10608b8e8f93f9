package idp_test

import (
	"testing"

	"latchkey/idp"
)

// a name that a stranger chooses is held against others by what people
// see of it.
func TestLooks(t *testing.T) {
	want := idp.Looks("Latchkey")
	for _, n := range []string{
		"latchkey", "LATCHKEY", " Latch key", "Latchkey.", "Lätchkey", "Iatchkey", "1atchkey", "Lаtchkеy", "Ｌatchkey", "𝐋atchkey", "ʟᴀᴛᴄʜᴋᴇʏ", "Latch\u3164key", "Latch\ufe0fkey", "Latch\u034fkey",
	} {
		if got := idp.Looks(n); got != want {
			t.Errorf("%q looks like %q, not %q", n, got, want)
		}
	}
	for _, n := range []string{"Latchkeys", "Lockkey", "Wiki", "鍵"} {
		if got := idp.Looks(n); got == want || got == "" {
			t.Errorf("%q looks like %q", n, got)
		}
	}
	for _, n := range []string{"", " ", "\u3164", "\u2800", "★", "--"} {
		if got := idp.Looks(n); got != "" {
			t.Errorf("%q looks like %q", n, got)
		}
	}
	if idp.Looks("modern") != idp.Looks("modem") {
		t.Error("rn is not m")
	}
	for _, r := range "\u3164\u2800\ufe0f\u202e\u00ad\u200b\u115f\u00a0\x07\U000e0100" {
		if !idp.Unseen(r) {
			t.Errorf("%U is seen", r)
		}
	}
	for _, r := range " aé鍵👍-" {
		if idp.Unseen(r) {
			t.Errorf("%U is not seen", r)
		}
	}
}

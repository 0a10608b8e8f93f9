package oidc

import (
	"strconv"
	"testing"
	"time"
)

// D-07, C-12: of one client ten addresses a minute, whatever happens to another.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := &strangers{now: func() time.Time { return now }}
	count := func(id ClientID) (n int) {
		for i := range 100 {
			if s.first(id, "2001:db8::"+strconv.Itoa(i)) {
				n++
			}
		}
		return n
	}
	if n := count("a"); n != mostNoted {
		t.Errorf("%d of the first", n)
	}
	if !s.first("b", "2001:db8::1") || s.first("b", "2001:db8::1") {
		t.Error("the second client is not noted once")
	}
	if now = now.Add(time.Minute); count("a") != mostNoted {
		t.Error("a minute later nothing is noted")
	}
}

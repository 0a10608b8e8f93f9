package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func fileMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssFile:"); ok {
			kB, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kB
		}
	}
	t.Fatal("no RssFile")
	return 0
}

func TestLeavePages(t *testing.T) {
	(&app{}).root() // whatever else this test program does
	before := fileMemory(t)
	if err := leavePages(); err != nil {
		t.Fatal(err)
	}
	if after := fileMemory(t); after >= before {
		t.Errorf("%d kB of the program before, %d kB after", before, after)
	}
}

// Only what nobody changed: not the page with a debugger's stop, not data.
func TestCleanPages(t *testing.T) {
	smaps := `00400000-00401000 r-xp 00000000 fe:00 7 /bin/p
Rss:                   4 kB
Anonymous:             0 kB
00401000-00403000 r-xp 00000000 fe:00 7 /bin/p
Anonymous:             4 kB
00403000-00404000 rw-p 00000000 fe:00 7 /bin/p
Anonymous:             0 kB
00404000-00405000 r--p 00000000 fe:00 8 /lib/other
Anonymous:             0 kB
00405000-00409000 r--p 00000000 fe:00 7 /bin/p
Anonymous:             0 kB
7f0000000000-7f0000001000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f0000002000-7f0000003000 r--p 00000000 00:00 0 [vvar]
Anonymous:             0 kB
`
	want := []span{{0x400000, 0x1000}, {0x405000, 0x4000}}
	if got := untouched(strings.NewReader(smaps), "/bin/p"); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

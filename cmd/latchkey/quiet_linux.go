package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// leavePages hands back the pages of the program file, most of which only the
// start needed: the tables of libraries, and what lies beside them. The next
// use of one finds it in the system's page cache.
func leavePages() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	for _, s := range untouched(f, program) {
		if _, _, no := syscall.Syscall(unix.SYS_MADVISE, s.from, s.size, unix.MADV_DONTNEED); no != 0 {
			return no
		}
	}
	return nil
}

// span is a part of the address space.
type span struct{ from, size uintptr }

// untouched finds in /proc/self/smaps what is mapped from the program file, cannot
// be written, and has no page of its own: a page that a debugger or the loader
// changed would come back unchanged.
func untouched(smaps io.Reader, program string) (out []span) {
	var here span
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 3 && words[0] == "Anonymous:":
			if words[1] == "0" && here.size > 0 {
				out = append(out, here)
			}
			here = span{}
		case len(words) == 6 && words[5] == program && strings.HasPrefix(words[1], "r-"):
			here = mapped(words[0])
		case len(words) >= 5 && strings.Contains(words[0], "-"):
			here = span{}
		}
	}
	return out
}

func mapped(addresses string) (s span) {
	from, to, _ := strings.Cut(addresses, "-")
	a, errA := strconv.ParseUint(from, 16, 64)
	b, errB := strconv.ParseUint(to, 16, 64)
	if errA != nil || errB != nil || b <= a {
		return span{}
	}
	return span{uintptr(a), uintptr(b - a)}
}

package password

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
)

// cheap is argon2id for tests that are not about its cost.
var cheap = Params{Memory: 64, Time: 1, Threads: 1}

func check(t *testing.T, h *Hasher, encoded, plain string) (ok, outdated bool) {
	t.Helper()
	ok, outdated, err := h.Check(t.Context(), encoded, plain)
	if err != nil {
		t.Fatalf("Check(%.30q, %.30q): %v", encoded, plain, err)
	}
	return ok, outdated
}

func hashed(t testing.TB, h *Hasher, plain string) string {
	t.Helper()
	encoded, err := h.Hash(t.Context(), plain)
	if err != nil {
		t.Fatalf("Hash(%.30q): %v", plain, err)
	}
	return encoded
}

// argon2id with 19 MiB, 2 passes, 1 lane, a salt for each.
func TestHash(t *testing.T) {
	h := New(Params{}, 1, 0)
	one, other := hashed(t, h, "correct horse"), hashed(t, h, "correct horse")
	if !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error(one)
	}
	if one == other {
		t.Error("two hashes are the same")
	}
	if err := Known(one); err != nil {
		t.Error(err)
	}
	for plain, want := range map[string]bool{"correct horse": true, "Correct horse": false, "correct horse ": false, "correct hors": false, "": false} {
		if ok, outdated := check(t, h, one, plain); ok != want || outdated {
			t.Errorf("%q: %v, outdated %v", plain, ok, outdated)
		}
	}
}

// a hash is replaced when the parameters have changed, after it was
// right and only then.
func TestOutdated(t *testing.T) {
	encoded := hashed(t, New(cheap, 1, 0), "correct horse")
	for p, want := range map[Params]bool{
		cheap: false, {128, 1, 1}: true, {64, 2, 1}: true, {64, 1, 2}: true, {32, 1, 1}: true,
	} {
		h := New(p, 1, 0)
		if ok, outdated := check(t, h, encoded, "correct horse"); !ok || outdated != want {
			t.Errorf("%+v: %v, outdated %v, want %v", p, ok, outdated, want)
		}
		if ok, outdated := check(t, h, encoded, "wrong"); ok || outdated {
			t.Errorf("%+v, wrong password: %v, outdated %v", p, ok, outdated)
		}
	}
}

// any Unicode, all of it, one password however it was typed.
func TestUnicode(t *testing.T) {
	h := New(cheap, 1, 0)
	for _, plain := range []string{
		strings.Repeat("a", 64), strings.Repeat("ü", MaxLength), strings.Repeat("😀", MaxLength), "пароль из слов", "密码密码密码密码",
		"👨‍👩‍👧‍👦 family", "heart ❤️ heart", " spaces kept ", "\U0001FAE9 new emoji", "\u0378 not assigned",
	} {
		encoded := hashed(t, h, plain)
		if ok, _ := check(t, h, encoded, plain); !ok {
			t.Errorf("%.20q is not right", plain)
		}
		rs := []rune(plain)
		if ok, _ := check(t, h, encoded, string(rs[:len(rs)-1])); ok {
			t.Errorf("%.20q is right without its end", plain)
		}
	}
	for stored, typed := range map[string]string{
		"Café de Flore":   "Cafe\u0301 de Flore",     // composed and decomposed
		"a b c d e f g":   "a\u00a0b\u2003c d e f g", // other spaces
		"Å wie Ångström":  "\u212b wie A\u030angstro\u0308m",
		"❤\ufe0f Café ok": "❤\ufe0f\u00a0Cafe\u0301 ok", // where the profile itself refuses
	} {
		if ok, _ := check(t, h, hashed(t, h, stored), typed); !ok {
			t.Errorf("%q is not %q", typed, stored)
		}
	}
	for stored, typed := range map[string]string{"password": "ｐassword", "straße": "strasse", "Ⅳ": "IV", "ABC": "abc"} {
		if ok, _ := check(t, h, hashed(t, h, stored), typed); ok {
			t.Errorf("%q is right for %q", typed, stored)
		}
	}
}

// what is too long or no text is refused before anything is
// computed, and never cut.
func TestRefused(t *testing.T) {
	h := New(Params{Memory: 1 << 20, Time: 64}, 1, 0) // a hash would take minutes
	for name, plain := range map[string]string{
		"too long": strings.Repeat("a", MaxLength+1), "too many emoji": strings.Repeat("😀", MaxLength+1), "a megabyte": strings.Repeat("a", 1<<20),
		"bytes that are no text": strings.Repeat("\xff", MaxLength+1),
	} {
		if _, err := h.Hash(t.Context(), plain); !errors.Is(err, idp.ErrInvalid) || !errors.Is(err, ErrLong) {
			t.Errorf("Hash, %s: %v, want ErrLong", name, err)
		}
		if ok, _, err := h.Check(t.Context(), "", plain); ok || !errors.Is(err, ErrLong) {
			t.Errorf("Check, %s: %v, %v, want ErrLong", name, ok, err)
		}
		if err := Acceptable(plain, 8); !errors.Is(err, ErrLong) {
			t.Errorf("Acceptable, %s: %v, want ErrLong", name, err)
		}
	}
	for plain, want := range map[string]error{"": ErrEmpty, "nul\x00byte": ErrText, "line\nbreak": ErrText, "broken \xff": ErrText} {
		if _, err := h.Hash(t.Context(), plain); !errors.Is(err, want) || !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("Hash(%q): %v, want %v", plain, err, want)
		}
	}
	// At a sign-in these are merely wrong.
	quick := New(cheap, 1, 0)
	encoded := hashed(t, quick, "correct horse")
	for _, plain := range []string{"", "correct horse\x00", "\xff"} {
		if ok, _ := check(t, quick, encoded, plain); ok {
			t.Errorf("%q is right", plain)
		}
	}
}

// nobody's password costs what somebody's costs, also for text that has
// two spellings and so is tried twice. The memory that is filled tells the work
// more exactly than a clock does.
func TestUnknownUserCostsTheSame(t *testing.T) {
	p := Params{Memory: 8 * 1024, Time: 1, Threads: 1}
	h := New(p, 1, 0)
	encoded := hashed(t, h, "correct horse")
	hashes := func(encoded, plain string) int {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if ok, _ := check(t, h, encoded, plain); ok {
			t.Fatalf("%q is right", plain)
		}
		runtime.ReadMemStats(&after)
		return int(after.TotalAlloc-before.TotalAlloc) / (int(p.Memory) * 1024)
	}
	for plain, want := range map[string]int{"wrong horse": 1, "Cafe\u0301 wrong": 2, "": 1, "wrong\x00": 1} {
		if known, unknown := hashes(encoded, plain), hashes("", plain); known != want || unknown != want {
			t.Errorf("%q: %d hashes for a known person, %d for an unknown one, want %d", plain, known, unknown, want)
		}
	}
}

// A stored hash that nobody can read lets nobody in, and is our mistake.
func TestUnreadable(t *testing.T) {
	h := New(cheap, 1, 0)
	for _, encoded := range []string{"!", "plain", "$argon2id$", "$1$abc$def"} {
		ok, outdated, err := h.Check(t.Context(), encoded, encoded)
		if ok || outdated || err == nil || errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v, %v, %v", encoded, ok, outdated, err)
		}
	}
}

func TestKey(t *testing.T) {
	h := New(cheap, 1, 0)
	key := func(secret, salt string) string {
		t.Helper()
		k, err := h.Key(t.Context(), []byte(secret), []byte(salt))
		if err != nil || len(k) != 32 {
			t.Fatalf("%x, %v", k, err)
		}
		return string(k)
	}
	if first := key("a", "salt of 16 bytes"); key("a", "salt of 16 bytes") != first {
		t.Error("a key changes")
	}
	if key("a", "salt of 16 bytes") == key("b", "salt of 16 bytes") || key("a", "salt of 16 bytes") == key("a", "SALT of 16 bytes") {
		t.Error("keys are the same")
	}
}

// Memory grows with slots, never with sign-ins; beyond the queue callers are
// told so at once.
func TestLanes(t *testing.T) {
	l := newLanes(2, 3)
	var running, most atomic.Int64
	gate := make(chan struct{})
	work := func() {
		n := running.Add(1)
		for {
			old := most.Load()
			if n <= old || most.CompareAndSwap(old, n) {
				break
			}
		}
		<-gate
		running.Add(-1)
	}
	const callers = 40
	errs := make(chan error, callers)
	for range callers {
		go func() { errs <- l.run(context.Background(), false, work) }()
	}
	for range callers - 5 { // two run, three wait, the rest returns before any of these is done
		if err := <-errs; !errors.Is(err, idp.ErrBusy) {
			t.Fatalf("%v, want ErrBusy", err)
		}
	}
	close(gate)
	for range 5 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 2 {
		t.Errorf("%d ran at once, want 2", most.Load())
	}
	if err := l.run(t.Context(), true, func() {}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Hashes from elsewhere leave a slot to everybody else.
func TestForeignLane(t *testing.T) {
	l := newLanes(2, 10)
	gate := make(chan struct{})
	var wg sync.WaitGroup
	var running atomic.Int64
	for range 3 {
		wg.Go(func() {
			_ = l.run(context.Background(), true, func() { running.Add(1); <-gate })
		})
	}
	for l.inside.Load() < 3 || running.Load() < 1 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // for a second one to begin, were it let in
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := l.run(ctx, false, func() {}); err != nil || running.Load() != 1 {
		t.Errorf("with %d foreign hashes running: %v", running.Load(), err)
	}
	close(gate)
	wg.Wait()
}

// Whoever stops waiting costs no hash, and makes room.
func TestGivingUp(t *testing.T) {
	l := newLanes(1, 1)
	gate, begun := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() { done <- l.run(context.Background(), false, func() { close(begun); <-gate }) }()
	<-begun
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := l.run(ctx, false, func() { t.Error("it was computed") })
		cancel()
		if !errors.Is(err, idp.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want ErrBusy because of the deadline", err)
		}
	}
	close(gate)
	if err := <-done; err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.run(gone, false, func() { t.Error("it was computed") }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
}

func BenchmarkHash(b *testing.B) {
	h := New(Params{}, 1, 0)
	for b.Loop() {
		hashed(b, h, "correct horse")
	}
}

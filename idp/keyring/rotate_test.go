package keyring_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"latchkey/idp/keyring"
)

func states(r *keyring.Ring) (out []keyring.State) {
	for _, k := range r.Keys() {
		out = append(out, k.State)
	}
	return out
}

// C-03: a key is ahead, then seals, then is old, then is gone; what it sealed
// opens all that time and not after.
func TestLifeOfAKey(t *testing.T) {
	r := keyring.New()
	want := func(all ...keyring.State) {
		t.Helper()
		if got := states(r); !slices.Equal(got, all) {
			t.Fatalf("%v, want %v", got, all)
		}
	}
	want(keyring.Seals)
	if err := r.Forget(); !errors.Is(err, keyring.ErrNoOld) {
		t.Errorf("forgot the key that seals: %v", err)
	}
	first := r.Sealing()
	sealed, err := r.Seal([]byte("x"), nil)
	must(t, err)
	if by, ok := keyring.SealedBy(sealed); !ok || by != first {
		t.Errorf("sealed by %d, want %d", by, first)
	}
	id, err := r.Prepare()
	must(t, err)
	want(keyring.Seals, keyring.Ahead)
	if r.Sealing() != first {
		t.Error("a key that is ahead seals")
	}
	must(t, r.Rotate())
	want(keyring.Old, keyring.Seals)
	if r.Sealing() != id {
		t.Error("not the key that was ahead seals")
	}
	must(t, r.Rotate())
	want(keyring.Old, keyring.Old, keyring.Seals)
	if _, err := r.Open(sealed, nil); err != nil {
		t.Error("an old key does not open:", err)
	}
	_, err = r.Prepare()
	must(t, err)
	must(t, r.Forget())
	want(keyring.Seals, keyring.Ahead)
	if _, err := r.Open(sealed, nil); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("a key that was forgotten opens: %v", err)
	}
	for _, junk := range []string{"", "\x01abc", "\x02abcdef"} {
		if _, ok := keyring.SealedBy([]byte(junk)); ok {
			t.Errorf("%q has a key", junk)
		}
	}
}

// C-03: a server follows what becomes of its file: it seals with the new key from
// the next value on, and opens what others sealed with a key that it has not seen.
func TestFollowsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	operator, err := keyring.Create(path)
	must(t, err)
	load := func() *keyring.Ring {
		r, err := keyring.Load(path)
		must(t, err)
		return r
	}
	sealing, opening, idle, asleep := load(), load(), load(), load()
	must(t, operator.Rotate())
	must(t, operator.Save(path))
	sealed, err := operator.Seal([]byte("x"), nil)
	must(t, err)
	if _, err := opening.Open(sealed, nil); err != nil {
		t.Error("does not open what the new key sealed:", err)
	}
	by, err := sealing.Seal([]byte("x"), nil)
	must(t, err)
	if id, _ := keyring.SealedBy(by); id != operator.Sealing() {
		t.Error("seals with the old key")
	}
	must(t, idle.Refresh())
	must(t, operator.Forget())
	must(t, operator.Save(path))
	for name, r := range map[string]*keyring.Ring{"sealing": sealing, "opening": opening, "idle": idle} {
		if err := r.Refresh(); err != nil || len(r.Keys()) != 1 || r.Sealing() != operator.Sealing() {
			t.Errorf("%s has %v: %v", name, r.Keys(), err)
		}
	}
	// It has seen none of it and shares no key: a value that opens is proof enough.
	if err := asleep.Refresh(); err == nil || !strings.Contains(err.Error(), path) || asleep.Sealing() == operator.Sealing() {
		t.Errorf("took a file that has nothing to do with it, or does not say so: %v", err)
	}
	if _, err := asleep.Open(sealed, nil); err != nil || asleep.Sealing() != operator.Sealing() {
		t.Errorf("does not follow a rotation that it slept through: %v", err)
	}
	// What cannot be read is said, and changes nothing.
	must(t, os.WriteFile(path, []byte("{"), 0o600))
	if err := idle.Refresh(); err == nil || idle.Sealing() != operator.Sealing() {
		t.Errorf("a broken file: %v", err)
	}
	must(t, os.Remove(path))
	if err := idle.Refresh(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}

// A file that is wrong, whatever of it, takes nothing away from a server that
// runs.
func TestKeepsWhatItHas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	r, err := keyring.Create(path)
	must(t, err)
	sealed, err := r.Seal([]byte("x"), nil)
	must(t, err)
	strange, err := keyring.New().Seal([]byte("x"), nil)
	must(t, err)
	check := func(what string) {
		t.Helper()
		again, err := r.Seal([]byte("x"), nil)
		must(t, err)
		for _, v := range [][]byte{sealed, again} {
			if got, err := r.Open(v, nil); err != nil || string(got) != "x" {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := r.Open(strange, nil); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, os.WriteFile(path, []byte("{}"), 0o600))
	check("broken")
	must(t, keyring.New().Save(path))
	check("another ring")
	must(t, os.Chmod(path, 0o644))
	check("open to others")
	must(t, os.Remove(path))
	check("gone")
}

// C-03: an older copy that is put back under a server takes from it neither the key
// that seals nor what was sealed with it; a key that was known ahead is followed
// even when the one before is forgotten.
func TestTakesNoOldCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	operator, err := keyring.Create(path)
	must(t, err)
	old, err := os.ReadFile(path)
	must(t, err)
	must(t, operator.Rotate())
	must(t, operator.Save(path))
	server, err := keyring.Load(path)
	must(t, err)
	sealed, err := server.Seal([]byte("x"), nil)
	must(t, err)
	must(t, os.WriteFile(path+".new", old, 0o600))
	must(t, os.Rename(path+".new", path))
	again, err := server.Seal([]byte("y"), nil)
	must(t, err)
	if by, _ := keyring.SealedBy(again); by != operator.Sealing() {
		t.Error("seals with the key of an old copy")
	}
	if got, err := server.Open(sealed, nil); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}

	_, err = operator.Prepare()
	must(t, err)
	must(t, operator.Save(path))
	must(t, server.Refresh())
	must(t, operator.Rotate())
	must(t, operator.Forget())
	must(t, operator.Save(path))
	if err := server.Refresh(); err != nil || server.Sealing() != operator.Sealing() || len(server.Keys()) != 1 {
		t.Errorf("does not follow: %v, %v", server.Keys(), err)
	}
}

// Servers look at the file while it changes.
func TestFollowsInParallel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	operator, err := keyring.Create(path)
	must(t, err)
	server, err := keyring.Load(path)
	must(t, err)
	first, err := operator.Seal([]byte("x"), nil)
	must(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				sealed, err := server.Seal([]byte("x"), nil)
				if err == nil {
					_, err = server.Open(sealed, nil)
				}
				if err == nil {
					_, err = server.Open(first, nil)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 5 {
		must(t, operator.Rotate())
		must(t, operator.Save(path))
	}
	wg.Wait()
}

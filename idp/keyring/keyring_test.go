package keyring_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"latchkey/idp/keyring"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// T-04, C-03: a sealed value shows nothing, opens for its purpose alone, and
// not when a single bit of it was changed.
func TestSeal(t *testing.T) {
	r := keyring.New()
	plain, purpose := []byte("JBSWY3DPEHPK3PXP"), []byte("credentials:data:c1")
	sealed, err := r.Seal(plain, purpose)
	must(t, err)
	if bytes.Contains(sealed, plain) {
		t.Error("sealed value holds the plain one")
	}
	if got, err := r.Open(sealed, purpose); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	again, err := r.Seal(plain, purpose)
	must(t, err)
	if bytes.Equal(sealed, again) {
		t.Error("sealing twice gives the same")
	}
	for _, other := range []string{"", "credentials:data:c2", "credentials:data:c1 "} {
		if _, err := r.Open(sealed, []byte(other)); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("for %q: %v", other, err)
		}
	}
	if _, err := keyring.New().Open(sealed, purpose); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("with another ring: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := r.Open(bad, purpose); !errors.Is(err, keyring.ErrSealed) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := r.Open(sealed[:i], purpose); !errors.Is(err, keyring.ErrSealed) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

// C-03: rotation keeps everything readable, and seals with the new key.
func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	r, err := keyring.Create(path)
	must(t, err)
	before, err := r.Seal([]byte("x"), nil)
	must(t, err)
	must(t, r.Rotate())
	after, err := r.Seal([]byte("x"), nil)
	must(t, err)
	old, err := keyring.Load(path) // killed before Save: the file is as it was
	must(t, err)
	if _, err := old.Open(after, nil); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("the old ring opens what the new key sealed: %v", err)
	}
	must(t, r.Save(path))
	r, err = keyring.Load(path)
	must(t, err)
	for _, sealed := range [][]byte{before, after} {
		if got, err := r.Open(sealed, nil); err != nil || string(got) != "x" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ring")
	if _, err := keyring.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	r, err := keyring.Create(path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	// Create never takes a key away.
	sealed, err := r.Seal([]byte("x"), nil)
	must(t, err)
	again, err := keyring.Create(path)
	must(t, err)
	if _, err := again.Open(sealed, nil); err != nil {
		t.Error("created anew:", err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o777} {
		must(t, os.Chmod(path, mode))
		if _, err := keyring.Load(path); !errors.Is(err, keyring.ErrExposed) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	for _, junk := range []string{"", "{}", "not json", `{"primaryKeyId":1,"key":[]}`} {
		bad := filepath.Join(dir, "bad")
		must(t, os.WriteFile(bad, []byte(junk), 0o600))
		if _, err := keyring.Load(bad); !errors.Is(err, keyring.ErrBroken) {
			t.Errorf("%q: %v", junk, err)
		}
	}
	if _, err := keyring.Create(filepath.Join(dir, "no", "ring")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 2 {
		t.Errorf("files left: %v", left)
	}
}

// Reliability: several that start at once agree on one key.
func TestCreateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	var wg sync.WaitGroup
	rings := make([]*keyring.Ring, 12)
	for i := range rings {
		wg.Go(func() {
			r, err := keyring.Create(path)
			if err != nil {
				t.Error(err)
			}
			rings[i] = r
		})
	}
	wg.Wait()
	sealed, err := rings[0].Seal([]byte("x"), nil)
	must(t, err)
	for i, r := range rings {
		if _, err := r.Open(sealed, nil); err != nil {
			t.Errorf("starter %d has another key", i)
		}
	}
}

func TestParallel(t *testing.T) {
	r := keyring.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				sealed, err := r.Seal([]byte("x"), nil)
				if err == nil {
					err = r.Rotate()
				}
				if err == nil {
					_, err = r.Open(sealed, nil)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// The derivation is RFC 5869's, so that what it made before an upgrade stays
// good after it.
func TestDerive(t *testing.T) {
	root := bytes.Repeat([]byte{7}, 32)
	a := keyring.Derive(root, "cookies")
	if got := hex.EncodeToString(a); len(a) != 32 || got != derived {
		t.Errorf("derived %s", got)
	}
	if bytes.Equal(a, keyring.Derive(root, "csrf")) || bytes.Equal(a, keyring.Derive(a, "cookies")) {
		t.Error("two names or roots, one key")
	}
}

// derived was computed by another implementation.
const derived = "be6638f749645dc513bec0fdf87f4141fc3ab834de5e64ab2cf64184eb898b64"

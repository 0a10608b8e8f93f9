//go:build unix

package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// C-03: the file behind a link is written, so that whoever shares it follows; what
// is no keyring is not written over through a link.
func TestSaveThroughLink(t *testing.T) {
	shared, here := t.TempDir(), filepath.Join(t.TempDir(), "ring")
	r, err := Create(filepath.Join(shared, "ring"))
	check(t, err)
	check(t, os.Symlink(filepath.Join(shared, "ring"), here))
	check(t, r.Rotate())
	check(t, r.Save(here))
	info, err := os.Lstat(here)
	check(t, err)
	other, err := Load(filepath.Join(shared, "ring"))
	check(t, err)
	if info.Mode()&os.ModeSymlink == 0 || other.Sealing() != r.Sealing() {
		t.Errorf("mode %v, key %d, want %d", info.Mode(), other.Sealing(), r.Sealing())
	}
	strange := filepath.Join(shared, "strange")
	check(t, os.WriteFile(strange, []byte("strange"), 0o600))
	check(t, os.Remove(here))
	check(t, os.Symlink(strange, here))
	err = r.Save(here)
	if text, rerr := os.ReadFile(strange); !errors.Is(err, ErrBroken) || string(text) != "strange" {
		t.Errorf("%v, %v: %q", err, rerr, text)
	}
	for _, dir := range []string{shared, filepath.Dir(here)} {
		left, err := filepath.Glob(filepath.Join(dir, ".keyring-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%v, left: %v", err, left)
		}
	}
}

// C-03: the server's user is kept or nothing is written; a group alone, which may
// not read the file anyway, is given if that is possible.
func TestSettle(t *testing.T) {
	us := owner{1000, 1000}
	for _, c := range []struct {
		want      owner
		can       bool
		asks, bad bool
	}{
		{us, false, false, false},
		{owner{1000, 7}, true, true, false},
		{owner{1000, 7}, false, true, false},
		{owner{0, 1000}, true, true, false},
		{owner{0, 1000}, false, true, true},
	} {
		asked := false
		err := settle(us, c.want, func(o owner) error {
			asked = o == c.want
			if c.can {
				return nil
			}
			return syscall.EPERM
		})
		if asked != c.asks || (err != nil) != c.bad || c.bad && !errors.Is(err, os.ErrPermission) {
			t.Errorf("%+v: asked %v, %v", c, asked, err)
		}
	}
}

// C-03, C-14: what root writes in place of the server's stays the server's.
func TestOwnerStays(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may give files away")
	}
	nobody := owner{65534, 65534}
	dir := t.TempDir()
	path := filepath.Join(dir, "ring")
	r, err := Create(path)
	check(t, err)
	want := func(file string, who owner) {
		t.Helper()
		info, err := os.Stat(file)
		check(t, err)
		if is, _ := ownerOf(info); is != who || info.Mode().Perm() != 0o600 {
			t.Errorf("%s belongs to %+v, mode %v", file, is, info.Mode())
		}
	}
	check(t, os.Chown(path, 65534, 65534))
	check(t, r.Rotate())
	check(t, r.Save(path))
	want(path, nobody)

	db := filepath.Join(dir, "db")
	check(t, os.WriteFile(db, nil, 0o600))
	check(t, Own(db, path, dir))
	want(db, nobody)
	check(t, os.Chown(dir, 65534, 65534))
	fresh := filepath.Join(dir, "fresh")
	check(t, os.WriteFile(fresh, nil, 0o600))
	check(t, Own(fresh, filepath.Join(dir, "none"), dir))
	want(fresh, nobody)

	mine := filepath.Join(dir, "mine")
	check(t, os.WriteFile(mine, nil, 0o600))
	check(t, os.Link(mine, mine+"2"))
	if err := Own(mine, path, dir); err == nil {
		t.Error("gave away a file that has another name")
	}
	if err := os.Symlink(db, dir+"/link"); err != nil || Own(dir+"/link", path, dir) == nil {
		t.Error("followed a link:", err)
	}
}

package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Create makes a keyring file that only its owner may read. When there already
// is one, it is loaded instead: of several that start at once one creates the
// file and all use it.
func Create(path string) (*Ring, error) {
	r := New()
	tmp, info, err := r.write(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(tmp) }() // after a link it is a second name
	// A hard link appears whole and never replaces what is there. A rename
	// would take the key away from somebody who has already sealed with it.
	switch err := os.Link(tmp, path); {
	case errors.Is(err, fs.ErrExist):
		return Load(path)
	case err != nil:
		return nil, fmt.Errorf("keyring %s: %w", path, err)
	}
	r.path, r.seen = path, info
	return r, flush(filepath.Dir(path))
}

// Load reads a keyring file. It fails with [fs.ErrNotExist], [ErrExposed] or
// [ErrBroken].
func Load(path string) (*Ring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// The open file is asked, not the path: they could be two files.
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o", ErrExposed, path, info.Mode().Perm())
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%w: %s is too large", ErrBroken, path)
	}
	b := make([]byte, info.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("keyring %s: %w", path, err)
	}
	r, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.path, r.seen = path, info
	return r, nil
}

// maxFile is far above any keyring: a key takes about 300 bytes.
const maxFile = 1 << 20

// Save replaces the file at once: whoever reads it sees the old ring or the
// new one, even after a crash half-way. The new file belongs to whom the old one
// did, and lies where a link leads to; if either cannot be, nothing is changed.
func (r *Ring) Save(path string) error {
	place, err := behind(path)
	if err != nil {
		return err
	}
	tmp, info, err := r.write(place)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, place); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	r.mu.Lock()
	r.path, r.seen = path, info
	r.mu.Unlock()
	return flush(filepath.Dir(place))
}

// behind is the file that a path leads to. Instances that share a folder by links
// would have a ring each if a link were replaced. What is behind a link must be a
// keyring: whoever may change the folder must not choose what root writes over.
func behind(path string) (string, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	place, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink == 0:
		return place, nil
	}
	if _, err := Load(place); err != nil {
		return "", err
	}
	return place, nil
}

// write puts the ring into a new file beside path, with the owner of the file that
// is there, and returns its name and what it will be recognised by.
func (r *Ring) write(path string) (string, os.FileInfo, error) {
	b, err := r.encode()
	if err != nil {
		return "", nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keyring-*") // mode 0600, O_EXCL
	if err != nil {
		return "", nil, err
	}
	switch there, serr := os.Stat(path); {
	case serr == nil:
		err = bequeath(f, there)
	case !errors.Is(serr, fs.ErrNotExist):
		err = serr
	}
	if err == nil {
		_, err = f.Write(append(b, '\n'))
	}
	if err == nil {
		err = f.Sync()
	}
	info, serr := f.Stat()
	if err = errors.Join(err, serr, f.Close()); err != nil {
		return "", nil, errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), info, nil
}

// flush makes a new directory entry survive a crash; without it a machine that
// loses power could keep rows whose key is gone.
func flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

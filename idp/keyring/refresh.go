package keyring

import (
	"fmt"
	"os"
	"slices"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Refresh takes up what has become of the file since it was read, so that
// running servers follow a rotation. It costs one look at the file's date.
//
// A file that is gone, broken, open to others, or that has nothing to do with
// this ring is passed over: what is known keeps working. So is an older copy that
// somebody has put back: what was sealed since would not open any more. The error
// says which, for the next start would fail.
func (r *Ring) Refresh() error {
	_, err := r.look(func(tink.AEAD) bool { return false })
	return err
}

// look reads the file if it has changed, and takes it if it follows the ring or
// if proof says that it is the right one.
func (r *Ring) look(proof func(tink.AEAD) bool) (taken bool, err error) {
	r.mu.RLock()
	path, seen := r.path, r.seen
	r.mu.RUnlock()
	if path == "" {
		return false, nil
	}
	info, err := os.Stat(path)
	if err != nil || same(info, seen) {
		return false, err
	}
	other, err := Load(path)
	if err != nil {
		return false, err
	}
	if !r.precedes(other) && !proof(other.cipher) {
		return false, fmt.Errorf("keyring: %s is not what became of the one that this program has read: another keyring, or an older copy of this one", path)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle, r.cipher, r.seen = other.handle, other.cipher, other.seen
	return true, nil
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// precedes reports whether other may be what has become of this ring: it opens
// what this one seals, or it seals with a key that this one knew ahead, and has
// forgotten the one before. Numbers alone would not do: anybody can write one into
// a file.
func (r *Ring) precedes(other *Ring) bool {
	opens := func(by, from tink.AEAD) bool {
		sealed, err := from.Encrypt(nil, nil)
		if err == nil {
			_, err = by.Decrypt(sealed, nil)
		}
		return err == nil
	}
	ours := r.current()
	return opens(other.cipher, ours) ||
		slices.Contains(r.Keys(), Key{other.Sealing(), Ahead}) && opens(ours, other.cipher)
}

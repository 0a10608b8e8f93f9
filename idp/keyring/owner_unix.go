//go:build unix

package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// owner is whom a file belongs to.
type owner struct{ uid, gid uint32 }

func ownerOf(info os.FileInfo) (o owner, oneName bool) {
	s := info.Sys().(*syscall.Stat_t) // what package os fills it with on every Unix
	return owner{s.Uid, s.Gid}, s.Nlink == 1
}

// settle decides what becomes of a try to give a file of ours its heir's owner.
// Only its owner may read it, so a group that cannot be given takes nothing away.
func settle(is, want owner, give func(owner) error) error {
	if is == want {
		return nil
	}
	if err := give(want); err != nil && is.uid != want.uid {
		return fmt.Errorf("the server could not read it, for it would not belong to user %d any more; run this as that user or as root: %w", want.uid, err)
	}
	return nil
}

// bequeath gives a file that we made the owner of the one that it replaces:
// where the operator is root, the server would lose its keys.
func bequeath(f *os.File, replaced os.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is, oneName := ownerOf(info)
	want, _ := ownerOf(replaced)
	// Whoever owns the folder could have put another name of somebody else's file there.
	if is != want && !oneName {
		return fmt.Errorf("%s has another name: its owner stays", f.Name())
	}
	return settle(is, want, func(o owner) error { return f.Chown(int(o.uid), int(o.gid)) })
}

// Own gives a file, which only its owner may read, the owner of the file that it
// is about to replace. Where there is none yet, root gives it to the owner of
// folder, and nobody else could. It fails when the owner cannot be given.
func Own(file, replaced, folder string) error {
	model, err := os.Stat(replaced)
	if errors.Is(err, fs.ErrNotExist) {
		if os.Geteuid() != 0 {
			return nil
		}
		model, err = os.Stat(folder)
	}
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return errors.Join(bequeath(f, model), f.Close())
}

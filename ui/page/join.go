package page

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// Join is one flat folder of the files of several; of two with the same name
// the first counts. A package parses its pages together with the pieces of
// another.
func Join(of ...fs.FS) fs.FS { return joined(of) }

type joined []fs.FS

func (j joined) Open(name string) (fs.File, error) {
	for _, f := range j {
		file, err := f.Open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists all of them, for [fs.Glob].
func (j joined) ReadDir(name string) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	for _, f := range j {
		es, err := fs.ReadDir(f, name)
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			if !slices.ContainsFunc(out, func(o fs.DirEntry) bool { return o.Name() == e.Name() }) {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

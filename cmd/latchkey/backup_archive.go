package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"latchkey/idp/keyring"
)

// A backup is a tar archive (POSIX.1-1988 ustar) of a manifest, the database and
// maybe the keyring, in this order. Every tar can unpack it. Reading is strict:
// what backup has not written is refused, so names and links in a strange archive
// lead nowhere.

const (
	backupFormat = 1

	nameManifest = "manifest.json"
	nameDatabase = "latchkey.db"
	nameKeyring  = "keyring.json"

	tarBlock     = 512
	mostManifest = 64 << 10
	mostKeyring  = 1 << 20
	mostTar      = 1<<33 - 1 // bytes that the format's eleven octal digits can say: 8 GiB
)

// errArchive means that a file is no backup, or a damaged one.
var errArchive = errors.New("not a whole backup")

// manifest says what is in a backup.
type manifest struct {
	Format   int           `json:"format"`
	Program  string        `json:"program"` // the version that wrote it
	Schema   int64         `json:"schema"`
	Made     time.Time     `json:"made"`
	Issuer   string        `json:"issuer"`
	Keys     []keyring.Key `json:"keys"` // numbers and states of the keys in the keyring that belongs to it
	Database backupPart    `json:"database"`
	Keyring  *backupPart   `json:"keyring,omitempty"` // nil: kept apart
}

type backupPart struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// measure reads a file's size and hash.
func measure(file string) (p backupPart, err error) {
	f, err := os.Open(file)
	if err != nil {
		return p, err
	}
	defer f.Close()
	h := sha256.New()
	p.Bytes, err = io.Copy(h, f)
	p.SHA256 = hex.EncodeToString(h.Sum(nil))
	return p, err
}

// tarHead is the block in front of a file.
func tarHead(name string, size int64, made time.Time) []byte {
	b := make([]byte, tarBlock)
	copy(b, name)
	put := func(at, digits int, n int64) { copy(b[at:], fmt.Sprintf("%0*o", digits, n)) }
	put(100, 7, 0o600)
	put(108, 7, 0)
	put(116, 7, 0)
	put(124, 11, size)
	put(136, 11, made.Unix())
	b[156] = '0'
	copy(b[257:], "ustar\x0000")
	sum := int64(8 * ' ')
	for _, c := range b {
		sum += int64(c)
	}
	put(148, 6, sum)
	b[155] = ' '
	return b
}

func padding(size int64) int64 { return (tarBlock - size%tarBlock) % tarBlock }

// writeBackup writes the archive of a manifest and the files that it speaks of.
func writeBackup(ctx context.Context, w io.Writer, m manifest, database, ring string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if m.Database.Bytes > mostTar {
		return fmt.Errorf("the database is larger than a backup can be, which is 8 GiB; use PostgreSQL")
	}
	put := func(name string, size int64, from io.Reader) error {
		n, err := io.Copy(w, io.MultiReader(bytes.NewReader(tarHead(name, size, m.Made)), &interrupted{ctx, from}, bytes.NewReader(make([]byte, padding(size)))))
		if err == nil && n != tarBlock+size+padding(size) {
			err = fmt.Errorf("%s has changed its size", name)
		}
		return err
	}
	file := func(name, path string, p backupPart) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return put(name, p.Bytes, f)
	}
	if err := put(nameManifest, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	if err := file(nameDatabase, database, m.Database); err != nil {
		return err
	}
	if m.Keyring != nil {
		if err := file(nameKeyring, ring, *m.Keyring); err != nil {
			return err
		}
	}
	_, err = w.Write(make([]byte, 2*tarBlock))
	return err
}

// interrupted ends reading when ctx does.
type interrupted struct {
	ctx context.Context
	io.Reader
}

func (i *interrupted) Read(b []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.Reader.Read(b)
}

// readHead reads the next block, which must announce a file of that name, and
// returns its size.
func readHead(r io.Reader, name string, most int64) (int64, error) {
	b := make([]byte, tarBlock)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, fmt.Errorf("%w: it ends before %s", errArchive, name)
	}
	size, err := strconv.ParseInt(strings.Trim(string(b[124:136]), " \x00"), 8, 64)
	made, terr := strconv.ParseInt(strings.Trim(string(b[136:148]), " \x00"), 8, 64)
	if err != nil || terr != nil || size < 0 || size > most || !bytes.Equal(b, tarHead(name, size, time.Unix(made, 0))) {
		return 0, fmt.Errorf("%w: there is no %s where it should be", errArchive, name)
	}
	return size, nil
}

// readManifest reads the first file of an archive.
func readManifest(r io.Reader) (m manifest, err error) {
	size, err := readHead(r, nameManifest, mostManifest)
	if err != nil {
		return m, err
	}
	b := make([]byte, size+padding(size))
	if _, err := io.ReadFull(r, b); err != nil {
		return m, fmt.Errorf("%w: it ends within %s", errArchive, nameManifest)
	}
	if err := json.Unmarshal(b[:size], &m); err != nil {
		return m, fmt.Errorf("%w: %s: %w", errArchive, nameManifest, err)
	}
	if m.Format != backupFormat {
		return m, fmt.Errorf("%w: its format is %d, and this program knows %d; use the version that made it, %s", errArchive, m.Format, backupFormat, m.Program)
	}
	return m, nil
}

// unpack writes the files of an archive, whose manifest was read, into a folder,
// and compares them with what the manifest says of them.
func unpack(ctx context.Context, r io.Reader, m manifest, dir string) error {
	if err := unpackFile(ctx, r, nameDatabase, m.Database, mostTar, dir); err != nil {
		return err
	}
	if m.Keyring == nil {
		return nil
	}
	return unpackFile(ctx, r, nameKeyring, *m.Keyring, mostKeyring, dir)
}

func unpackFile(ctx context.Context, r io.Reader, name string, p backupPart, most int64, dir string) (err error) {
	size, err := readHead(r, name, most)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), &interrupted{ctx, io.LimitReader(r, size)})
	if err != nil {
		return err
	}
	if n < size {
		return fmt.Errorf("%w: it ends within %s", errArchive, name)
	}
	if got := hex.EncodeToString(h.Sum(nil)); size != p.Bytes || got != p.SHA256 {
		return fmt.Errorf("%w: %s is not as it was written: its SHA-256 is %s, and the manifest says %s", errArchive, name, got, p.SHA256)
	}
	if _, err := io.CopyN(io.Discard, r, padding(size)); err != nil {
		return fmt.Errorf("%w: it ends after %s", errArchive, name)
	}
	return f.Sync()
}

package main

import (
	"path/filepath"
	"slices"
	"testing"

	"latchkey/config"
	"latchkey/idp/keyring"
	"latchkey/idp/store/storetest"
)

// C-14: a backup beside a rotation holds the key of what it holds.
func TestBackupTakesTheNewestKeyring(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keyring.json")
	operator, err := keyring.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := keyring.Load(path) // what backup has read when the rotation comes
	if err != nil {
		t.Fatal(err)
	}
	if err := operator.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := operator.Save(path); err != nil {
		t.Fatal(err)
	}
	sealed, err := operator.Seal([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &backupRun{cfg: config.Config{Database: config.Database{URL: storetest.FinishedFile(t, filepath.Join(dir, "latchkey.db"))}}}
	if err := b.copy(t.Context(), begun, filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.m.Keys, operator.Keys()) {
		t.Errorf("the manifest has %v, the keyring %v", b.m.Keys, operator.Keys())
	}
	packed := filepath.Join(dir, "packed.json")
	if err := packKeyring(&b.m, begun, packed); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Load(packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Open(sealed, nil); err != nil {
		t.Error("the packed keyring does not open what the copy may hold:", err)
	}
}

package store_test

import (
	"os"
	"testing"

	"latchkey/idp/keyring"
)

func zzRing(t *testing.T) *keyring.Ring {
	r, err := keyring.Load("/tmp/zz_ring.json")
	if os.IsNotExist(err) {
		r, err = keyring.Create("/tmp/zz_ring.json")
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

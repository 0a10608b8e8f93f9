// Package place tells roughly where an address is, from a file in MaxMind's
// format that the operator brings (GeoLite2 City, DB-IP, IPinfo and others).
//
// It asks nobody over the network, and decides nothing: a place is a help for
// people who look through their browsers, and is often wrong by a city.
package place

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// every is how often the file is looked at: it is replaced about once a week.
const every = time.Minute

// Book answers from a file, and from its successor once there is one. It is
// safe for concurrent use.
type Book struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	reader *maxminddb.Reader
	made   time.Time // of the file
	looked time.Time
}

// Open reads the file; one that is not there, or is something else, is an error
// that names it.
func Open(path string, now func() time.Time) (*Book, error) {
	b := &Book{path: path, now: now}
	if err := b.load(); err != nil {
		return nil, err
	}
	b.looked = now()
	return b, nil
}

// Of names the city, the region or only the country of an address, with the
// country's ISO 3166 letters: "Lyon, FR". It is empty where nothing is known.
func (b *Book) Of(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refresh()
	var r struct {
		City         named   `maxminddb:"city"`
		Subdivisions []named `maxminddb:"subdivisions"`
		Country      named   `maxminddb:"country"`
	}
	if err := b.reader.Lookup(ip.Unmap()).Decode(&r); err != nil {
		return ""
	}
	near := r.City.Names["en"]
	if near == "" && len(r.Subdivisions) > 0 {
		near = r.Subdivisions[0].Names["en"]
	}
	if near == "" {
		near = r.Country.Names["en"]
	}
	if near == "" || r.Country.Code == "" {
		return near + r.Country.Code
	}
	return near + ", " + strings.ToUpper(r.Country.Code)
}

type named struct {
	Names map[string]string `maxminddb:"names"`
	Code  string            `maxminddb:"iso_code"`
}

// refresh takes a newer file up. One that cannot be read leaves the old one in
// use: it may be half copied, and the next minute looks again.
func (b *Book) refresh() {
	now := b.now()
	if now.Sub(b.looked) < every {
		return
	}
	b.looked = now
	if info, err := os.Stat(b.path); err == nil && !info.ModTime().Equal(b.made) {
		_ = b.load()
	}
}

// load holds the file in memory instead of mapping it: one that is written over
// in place would change, or end, under its readers.
func (b *Book) load() error {
	info, err := os.Stat(b.path)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(b.path)
	if err != nil {
		return err
	}
	next, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return fmt.Errorf("%s is no database of places in MaxMind's format: %w", b.path, err)
	}
	b.reader, b.made = next, info.ModTime()
	return nil
}

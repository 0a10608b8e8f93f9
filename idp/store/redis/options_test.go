package redis

import (
	"slices"
	"testing"
)

// Every host has its own port, and proves its own name.
func TestOptions(t *testing.T) {
	for address, want := range map[string]struct {
		addrs  []string
		master string
		name   string // that the server must prove; empty: its own
	}{
		"rediss://u:p@cache/3":                  {[]string{"cache:6379"}, "", "cache"},
		"rediss://s1,s2:1,[::1]/3?master=house": {[]string{"s1:26379", "s2:1", "[::1]:26379"}, "house", ""},
		"rediss://u:p@c1,c2:1":                  {[]string{"c1:6379", "c2:1"}, "", ""},
		"rediss://u:p%2C%40@c1:2,c2?db=0":       {[]string{"c1:2", "c2:6379"}, "", ""},
	} {
		o, err := options(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if !slices.Equal(o.Addrs, want.addrs) || o.MasterName != want.master || o.TLSConfig == nil || o.TLSConfig.ServerName != want.name {
			t.Errorf("%s: %q, master %q, TLS %+v", address, o.Addrs, o.MasterName, o.TLSConfig)
		}
	}
}

package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"latchkey/config"
	"latchkey/idp/store"
)

// A database that cannot be used says what to do, and never its password.
func TestDatabaseDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"postgres://u:hush@" + closed + "/x?sslmode=disable": "nothing answers at " + closed,
		"postgres://u:hush@/x?host=/nowhere&sslmode=disable": "nothing answers at /nowhere",
		"postgres://u:hush@nobody.invalid/x?sslmode=disable": "the name nobody.invalid leads nowhere",
	}
	if there := os.Getenv("LATCHKEY_TEST_POSTGRES"); there != "" {
		u, err := url.Parse(there)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/latchkey_is_not_there"
		tests[u.String()] = "create it with `createdb latchkey_is_not_there`"
	}
	for address, want := range tests {
		cfg := config.Config{}
		cfg.Database.URL = address
		m, closeDB, err := store.Migrations(address)
		if err != nil {
			t.Fatal(err)
		}
		err = databaseDown(cfg, m.DB.PingContext(t.Context()))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", want, err)
		}
		if err := closeDB(); err != nil {
			t.Error(err)
		}
	}
	other := errors.New("other")
	if got := databaseDown(config.Config{}, context.DeadlineExceeded); got != context.DeadlineExceeded {
		t.Errorf("the embedded database: %v", got)
	}
	if got := databaseDown(config.Config{Database: config.Database{URL: "postgres://h/x"}}, other); got != other {
		t.Errorf("another error: %v", got)
	}
}

func TestWhereabouts(t *testing.T) {
	for raw, want := range map[string][2]string{
		"postgres://u:p@db/shop":               {"db:5432", "shop"},
		"postgres://u:p@[::1]:5433/shop":       {"[::1]:5433", "shop"},
		"postgres://u:p@[::1]/shop":            {"[::1]:5432", "shop"},
		"postgres://u:p@a:1,b:2/shop":          {"a:1,b:2", "shop"},
		"postgres:///?host=/run&dbname=shop":   {"/run", "shop"},
		"postgres://shop@/?host=db&port=54321": {"db:54321", "shop"},
	} {
		if at, name := whereabouts(raw); at != want[0] || name != want[1] {
			t.Errorf("%s: %q %q", raw, at, name)
		}
	}
}

package account_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// load imports a text and returns what was found.
func load(t testing.TB, s *account.Service, db *store.DB, dry bool, text []byte) (account.Imported, []account.Finding, error) {
	t.Helper()
	table, err := account.OpenTable(bytes.NewReader(text))
	if err != nil {
		return account.Imported{}, nil, err
	}
	var found []account.Finding
	i := account.Importer{
		Service: s, Directory: db.Directory, DryRun: dry, Found: func(f account.Finding) error { found = append(found, f); return nil },
	}
	sum, err := i.Import(t.Context(), host, table)
	return sum, found, err
}

// A table comes in as any spreadsheet writes it.
func TestImportForms(t *testing.T) {
	const want = "Zoé Müller, \"die Erste\""
	latin := func(s string) []byte {
		b, err := charmap.Windows1252.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(b)
	}
	wide := func(s string) []byte {
		b, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const quoted = `"Zoé Müller, ""die Erste"""`
	for name, text := range map[string][]byte{
		"comma":               []byte("email,name,groups\nzoe@example.org," + quoted + ",a|b\n"),
		"semicolon, CRLF":     []byte("E-Mail;Name;Groups\r\nzoe@example.org;" + quoted + ";a | b\r\n"),
		"tab":                 []byte("NAME\tGROUPS\tEMAIL\n" + quoted + "\ta|b|\tzoe@example.org"),
		"mark":                []byte("\ufeffemail,name,groups\nzoe@example.org," + quoted + ",a|b\n"),
		"Windows-1252":        latin("email;name;groups\r\nzoe@example.org;" + quoted + ";a|b\r\n"),
		"UTF-16":              wide("email\tname\tgroups\r\nzoe@example.org\t" + quoted + "\ta|b\r\n"),
		"sep":                 []byte("sep=;\r\nemail;name;groups\r\nzoe@example.org;" + quoted + ";a|b\r\n"),
		"all quoted":          []byte("\"email\",\"name\",\"groups\"\n\"zoe@example.org\"," + quoted + ",\"a|b\"\n"),
		"commas in a header":  []byte("\"email\";\"name\";\"groups\";\"a,b,c,d,e\"\nzoe@example.org;" + quoted + ";a|b;\n"),
		"empty rows, columns": []byte("email,name,groups,,\n,,,,\n\nzoe@example.org," + quoted + ",a|b,,\n,,\n"),
		"old Mac":             []byte("email;name;groups\rzoe@example.org;" + quoted + ";a|b\r"),
		"short row":           []byte("email,name,groups,phone,locale\nzoe@example.org," + quoted + ",a|b\n"),
	} {
		db := storetest.Open(t)
		s := service(t, db)
		sum, found, err := load(t, s, db, false, text)
		if err != nil || sum != (account.Imported{Rows: 1, Added: 1}) || len(found) != 0 {
			t.Errorf("%s: %+v, %+v, %v", name, sum, found, err)
			continue
		}
		u, err := s.Find(t.Context(), "zoe@example.org")
		if err != nil || u.Name != want || !slices.Equal(u.Groups, []string{"a", "b"}) || u.Kind != idp.Internal || u.EmailVerified {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

// What is no table is refused whole.
func TestImportNoTable(t *testing.T) {
	for name, text := range map[string]string{
		"empty":       "",
		"blank":       "\n\n",
		"no names":    "ada@example.org,Ada\n",
		"twice":       "email,mail\n",
		"binary":      "PK\x03\x04\x00\x00",
		"no end":      "email,\"name\n" + strings.Repeat("x", 300<<10),
		"many":        "email" + strings.Repeat(",x", 300) + "\n",
		"long header": "email," + strings.Repeat("x", 700<<10),
	} {
		if _, err := account.OpenTable(strings.NewReader(text)); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every mistake of a row is told, with its place; so are conflicts; the rest
// goes in, and a second run changes nothing.
func TestImportFindings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := service(t, db), t.Context()
		if _, err := s.Add(ctx, host, account.New{Login: "rac", Email: "rac@example.org"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Add(ctx, host, account.New{Login: "two", Email: "two@example.org"}); err != nil {
			t.Fatal(err)
		}
		text := []byte("login,email,kind,verified,groups\n" +
			"ada,ada@example.org,portal,yes,staff\n" + // 2: goes in
			"eve,eve@,boss,perhaps,a|" + strings.Repeat("g", 200) + "\n" + // 3: four mistakes
			"ada,other@example.org,,,\n" + // 4: twice
			"гас,,,,\n" + // 5: looks like rac
			"rac,new@example.org,,,\n" + // 6: taken
			"rac,two@example.org,,,\n" + // 7: of two people
			"\"bob\"x,,,,\n" + // 8: broken quotation
			"rac,rac@example.org,internal,,\n" + // 9: there already
			"bob,,,,\n") // 10: goes in
		want := []string{
			"3.2.email.mistake", "3.3.kind.mistake", "3.4.verified.mistake", "3.5.groups.mistake", "4.0..twice", "5.0..looks-like", "6.0..taken", "7.0..taken", "8.0..mistake",
		}
		for run, sum := range []account.Imported{
			{Rows: 9, Added: 2, Unchanged: 1, Conflicts: 4, Mistaken: 2},
			{Rows: 9, Added: 2, Unchanged: 1, Conflicts: 4, Mistaken: 2},
			{Rows: 9, Added: 0, Unchanged: 3, Conflicts: 4, Mistaken: 2},
		} {
			got, found, err := load(t, s, db, run == 0, text)
			if err != nil || got != sum {
				t.Errorf("run %d: %+v, want %+v, %v", run, got, sum, err)
			}
			var places []string
			for _, f := range found {
				place := fmt.Sprintf("%d.%d.%s.%s", f.Line, f.Column, f.Field, f.Kind)
				if run == 2 && place == "4.0..taken" { // by now the person is there
					place = "4.0..twice"
				}
				places = append(places, place)
			}
			if !slices.Equal(places, want) {
				t.Errorf("run %d: %q, want %q", run, places, want)
			}
			if _, err := s.Find(ctx, "ada"); (err == nil) != (run > 0) {
				t.Errorf("run %d: ada: %v", run, err)
			}
		}
		if _, _, err := load(t, s, db, false, text); err != nil {
			t.Error(err)
		}
		i := account.Importer{Service: s, Directory: db.Directory}
		table, err := account.OpenTable(strings.NewReader("login\nmallory\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Import(ctx, idp.Actor{User: "u"}, table); !errors.Is(err, idp.ErrDenied) { // D-01
			t.Errorf("somebody without the right to it: %v", err)
		}
	})
}

// X-05, C-09: findings hold no secret and no formula becomes a value.
func TestImportSecrets(t *testing.T) {
	db := storetest.Open(t)
	s := service(t, db)
	_, found, err := load(t, s, db, false, []byte("email,name,phone,password_hash,totp_secret\n"+
		"a@example.org,A,,$1$SECRET$hash,not-base32-SECRET\nb@example.org,'=1+2,'+33612345678,,\n"))
	if err != nil || len(found) != 2 || strings.Contains(fmt.Sprint(found), "SECRET") {
		t.Errorf("%+v, %v", found, err)
	}
	u, err := s.Find(t.Context(), "b@example.org")
	if err != nil || u.Phone != "+33612345678" {
		t.Errorf("%+v, %v", u, err)
	}
}

// When somebody takes a name between the check and the writing, that row is in
// conflict and its neighbours go in.
func TestImportRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := service(t, db)
		table, err := account.OpenTable(strings.NewReader("login\nada\nbob\neve\n"))
		if err != nil {
			t.Fatal(err)
		}
		var found []account.Finding
		i := account.Importer{
			Service: s, Directory: late{db.Directory, func() {
				if _, err := s.Add(t.Context(), host, account.New{Login: "bob", Name: "Another Bob"}); err != nil {
					t.Error(err)
				}
			}},
			Found: func(f account.Finding) error { found = append(found, f); return nil },
		}
		sum, err := i.Import(t.Context(), host, table)
		if err != nil || sum != (account.Imported{Rows: 3, Added: 2, Conflicts: 1}) || len(found) != 1 || found[0].Line != 3 || found[0].Kind != account.Taken {
			t.Errorf("%+v, %+v, %v", sum, found, err)
		}
	})
}

// late lets something happen after the look-up.
type late struct {
	account.Directory
	meanwhile func()
}

func (l late) Holding(ctx context.Context, ids []idp.Identifier) (account.Holders, error) {
	h, err := l.Directory.Holding(ctx, ids)
	l.meanwhile()
	return h, err
}

// A hundred thousand people are checked in little memory.
func TestImportIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const people = 100_000
	db := storetest.Open(t)
	s := service(t, db)
	table, err := account.OpenTable(&endless{rows: people})
	if err != nil {
		t.Fatal(err)
	}
	var before, most runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	calls := 0
	i := account.Importer{Service: s, Directory: db.Directory, DryRun: true, Progress: func(int, float64) {
		if calls++; calls%50 == 0 {
			runtime.GC()
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > most.HeapAlloc {
				most = now
			}
		}
	}}
	sum, err := i.Import(t.Context(), host, table)
	if err != nil || sum != (account.Imported{Rows: people, Added: people}) {
		t.Fatalf("%+v, %v", sum, err)
	}
	if grown := int64(most.HeapAlloc) - int64(before.HeapAlloc); calls < people/1000 || grown > 40<<20 {
		t.Errorf("%d MiB more after %d batches", grown>>20, calls)
	}
}

// endless is a table that is made while it is read.
type endless struct {
	rows, at int
	rest     []byte
}

func (e *endless) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		switch {
		case e.at > e.rows:
			return 0, io.EOF
		case e.at == 0:
			e.rest = []byte("email,name\n")
		default:
			e.rest = fmt.Appendf(nil, "person%d@example.org,Person %d\n", e.at, e.at)
		}
		e.at++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *endless) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekStart {
		return 0, errors.ErrUnsupported
	}
	e.at, e.rest = 0, nil
	return 0, nil
}

// FuzzImport: whatever a file holds, reading it ends, each row is counted once,
// and what would be added can be added.
func FuzzImport(f *testing.F) {
	for _, text := range []string{
		"email,name\na@example.org,A\n", "sep=;\nemail;groups\na@example.org;a|b\n", "\ufeffE-MAIL\tverified\na@b.c\tyes\n", "login\n\"a\"\"b\"\n\"c\nd\"\n\"e",
		"email\r\na\xe9@example.org\r\n", "\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00.\x00c\x00", "email\ra@b.c\r",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		db := storetest.Open(t)
		s := service(t, db)
		dry, _, err := load(t, s, db, true, text)
		if err != nil {
			return
		}
		sum, found, err := load(t, s, db, false, text)
		if err != nil || sum != dry || sum.Rows != sum.Added+sum.Unchanged+sum.Conflicts+sum.Mistaken || len(found) < sum.Conflicts+sum.Mistaken {
			t.Fatalf("%+v, dry run %+v, %d findings, %v", sum, dry, len(found), err)
		}
		again, _, err := load(t, s, db, false, text)
		if err != nil || again.Added != 0 || again.Unchanged != sum.Added {
			t.Errorf("second run: %+v after %+v, %v", again, sum, err)
		}
	})
}

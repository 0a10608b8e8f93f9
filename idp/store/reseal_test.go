package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/job"
	"latchkey/idp/keyring"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/people"
	"latchkey/idp/replay"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// furnish puts a value into every column that is sealed; read opens them again
// through the stores, so that it fails for what Reseal got wrong.
func furnish(t *testing.T, db *store.DB) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	later := now.Add(time.Hour)
	person(t, db, "ann")
	seed(t, db, "ann")
	must(t, db.Keys.Add(ctx, oidc.Key{ID: "k", Alg: "ES256", State: oidc.Current, Private: []byte("private")}))
	must(t, db.Clients.Add(ctx, oidc.Client{ID: "shop", ValidationSecret: "hush"}))
	must(t, db.Connections.Add(ctx, connector.Connection{ID: "shop", Client: "shop"}))
	must(t, db.Settings.Save(ctx, "house", []byte(`{"a":1}`), 0))
	must(t, db.Requested.Put(ctx, idp.Link{Hash: "r", User: "x", Data: map[string]string{"email": "x@example.org"}, Created: now, Expires: later}))
	put(t, db.Outbox(), letter(now, "news"), letter(now, "sent"))
	must(t, db.Jobs.Add(ctx, job.Job{ID: "j", Kind: "import", About: "shop", State: job.Running, Began: now, Touched: now}, now))
	items := make([]people.Item, 250) // more than are read at once
	for i := range items {
		items[i] = people.Item{Place: i, Body: []byte(fmt.Sprint(i))}
	}
	must(t, db.Batches.Add(ctx, people.Batch{ID: "b", Kind: "bulk", Owner: "ann", Body: []byte("{}"), Created: now, Expires: later}, 5, []byte("a file"), items))
	r := replay.Request{Caller: "token:1", Key: "one", Hash: "h"}
	_, _, _, err := db.Requests.Begin(ctx, r, now, later, later)
	must(t, err)
	must(t, db.Requests.Done(ctx, r, replay.Answer{Status: 201, Body: `{"sample":1}`}))
}

func readAll(t *testing.T, db *store.DB) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	_, err := db.AuditKeys(ctx)
	must(t, err)
	_, _, err = db.Flows.Get(ctx, "ann")
	must(t, err)
	held, err := db.Credentials.Held(ctx, "ann")
	must(t, err)
	_, err = db.Challenges.Get(ctx, "ann")
	must(t, err)
	_, _, err = db.Links.Get(ctx, idp.LinkEnrol, "ann")
	must(t, err)
	asked, err := db.Requested.Get(ctx, "r")
	must(t, err)
	if asked.Data["email"] != "x@example.org" {
		t.Errorf("%+v", asked)
	}
	keys, err := db.Keys.All(ctx)
	must(t, err)
	client, err := db.Clients.ByID(ctx, "shop")
	must(t, err)
	_, err = db.Connections.ByID(ctx, "shop")
	must(t, err)
	body, _, err := db.Settings.Load(ctx, "house")
	must(t, err)
	letters, err := db.Outbox().Newest(ctx, 10)
	must(t, err)
	_, err = db.Jobs.ByID(ctx, "j")
	must(t, err)
	_, err = db.Batches.ByID(ctx, "b")
	must(t, err)
	file, err := db.Batches.File(ctx, "b")
	must(t, err)
	items, err := db.Batches.Items(ctx, "b", people.ItemQuery{Limit: 1000})
	must(t, err)
	said, _, _, err := db.Requests.Begin(ctx, replay.Request{Caller: "token:1", Key: "one"}, now, now, now.Add(time.Hour))
	must(t, err)
	if len(held) != 1 || string(keys[0].Private) != "private" || client.ValidationSecret != "hush" || string(body) != `{"a":1}` || len(letters) != 2 ||
		slices.ContainsFunc(letters, func(m mail.Message) bool { return !strings.HasPrefix(m.Text, "text of ") }) ||
		string(file) != "a file" || len(items) != 250 || string(items[249].Body) != "249" || said.Body != `{"sample":1}` {
		t.Errorf("%v %s %v %s %v %s %d %s", held, keys[0].Private, client, body, letters, file, len(items), said.Body)
	}
}

// sealers counts values by key.
func sealers(t *testing.T, db *store.DB) map[keyring.KeyID]int {
	t.Helper()
	out := map[keyring.KeyID]int{}
	all, err := db.Seals(t.Context())
	must(t, err)
	for _, c := range all {
		out[c.Key] += c.Values
	}
	return out
}

// C-03: a rotation leaves everything readable, also when it is killed half-way,
// with a server beside it that has the old keyring; and without the old key
// everything opens, and the log is whole. D-09: its seals and signatures hang on
// secrets that are sealed, and not on the key that seals them.
func TestReseal(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		if url == "sqlite::memory:" {
			t.Skip("nobody else can open it")
		}
		ctx := t.Context()
		path := filepath.Join(t.TempDir(), "keyring.json")
		ring, err := keyring.Create(path)
		must(t, err)
		db := storetest.With(t, store.Config{URL: url, Keyring: ring})
		l := newLedger(t, db, storetest.NewClock())
		furnish(t, db)
		l.write(5)
		l.chain()
		old := ring.Sealing()
		for _, column := range store.SealedColumns() {
			all, err := db.Seals(ctx)
			must(t, err)
			if !slices.ContainsFunc(all, func(c store.SealCount) bool { return c.Table+"."+c.Column == column && c.Key == old }) {
				t.Errorf("this test puts nothing into %s", column)
			}
		}
		servers, err := keyring.Load(path)
		must(t, err)
		server := storetest.With(t, store.Config{URL: url, Keyring: servers})

		must(t, ring.Rotate())
		must(t, ring.Save(path))
		before, killed, steps := sealers(t, db), errors.New("killed"), 0
		_, err = db.Reseal(ctx, func(int) error {
			if steps++; steps == 8 {
				return killed
			}
			return nil
		})
		wantErr(t, err, killed)
		readAll(t, db)
		readAll(t, server) // it takes the keyring up when it meets the new key
		half := sealers(t, db)
		if half[old] == 0 || half[ring.Sealing()] == 0 {
			t.Fatalf("not half-way: %v", half)
		}
		if n, err := db.Resealable(ctx, nil); err != nil || n.Sealed != half[old] {
			t.Errorf("%d values hang on the old key, and %+v %v are counted", half[old], n, err)
		}
		done, err := db.Reseal(ctx, nil)
		must(t, err)
		after := sealers(t, db)
		if done.Sealed != half[old] || done.Broken != 0 || after[old] != 0 || after[ring.Sealing()] != before[old] {
			t.Errorf("%+v, before %v, after %v", done, before, after)
		}
		if again, err := db.Reseal(ctx, nil); err != nil || again.Sealed != 0 {
			t.Errorf("again: %+v %v", again, err)
		}

		must(t, ring.Forget())
		must(t, ring.Save(path))
		young, err := keyring.Load(path)
		must(t, err)
		fresh := storetest.With(t, store.Config{URL: url, Keyring: young})
		readAll(t, fresh)
		l = newLedger(t, fresh, l.clock)
		l.write(3)
		l.chain()
		if r := l.check(); !r.Well() || r.Seq != 8 || !r.Whole {
			t.Errorf("the log: %+v", r)
		}
		if got, want := audit.FormatKey(l.s.Key()), audit.FormatKey(audit.Public(mustKeys(t, db).Sign)); got != want {
			t.Errorf("the key of checkpoints was %s and is %s", want, got)
		}
	})
}

func mustKeys(t *testing.T, db *store.DB) audit.Keys {
	t.Helper()
	k, err := db.AuditKeys(t.Context())
	must(t, err)
	return k
}

// C-03: what somebody writes while values are sealed anew is not written over,
// and what was altered stays what it is and is named.
func TestResealBesideWriters(t *testing.T) {
	ring := keyring.New()
	storetest.URLs(t, func(t *testing.T, url string) {
		ctx := t.Context()
		db := storetest.With(t, store.Config{URL: url, Keyring: ring})
		for i := range 150 {
			must(t, db.Credentials.Save(ctx, mfa.Credential{ID: mfa.CredentialID(fmt.Sprintf("c%03d", i)), Subject: "ann", Kind: "totp", Data: []byte("old")}))
		}
		must(t, db.Forge(ctx, `UPDATE credentials SET data = (SELECT data FROM credentials WHERE id = 'c001') WHERE id = 'c000'`))
		must(t, ring.Rotate())
		stop, ended := make(chan struct{}), make(chan error)
		go func() {
			for version := 1; ; version++ {
				err := db.Credentials.Save(ctx, mfa.Credential{ID: "c149", Subject: "ann", Kind: "totp", Version: version, Data: []byte(fmt.Sprint("new ", version))})
				select {
				case <-stop:
					ended <- err
					return
				default:
				}
				if err != nil {
					<-stop
					ended <- err
					return
				}
			}
		}()
		done, err := db.Reseal(ctx, nil)
		close(stop)
		must(t, err)
		must(t, <-ended)
		if done.Broken != 1 || !slices.Equal(done.Which, []string{"credentials c000"}) {
			t.Errorf("%+v", done)
		}
		must(t, db.Forge(ctx, `DELETE FROM credentials WHERE id = 'c000'`))
		held, err := db.Credentials.Held(ctx, "ann")
		must(t, err)
		for _, c := range held {
			if c.ID == "c149" != bytes.HasPrefix(c.Data, []byte("new ")) || c.ID == "c149" && string(c.Data) != fmt.Sprint("new ", c.Version-1) {
				t.Errorf("%s version %d: %s", c.ID, c.Version, c.Data)
			}
		}
	})
}

// open are the columns of bytes that lie open, and why that is right.
var openColumns = map[string]string{
	"grants.payload":              "has hashes of tokens and no token",
	"pictures.image":              "is shown on pages",
	"brand_logos.image":           "is shown on pages",
	"events.mac":                  "is a seal",
	"events.hash":                 "is a hash",
	"audit_chain.hash":            "is a hash",
	"audit_checkpoints.hash":      "is a hash",
	"audit_checkpoints.signature": "is a signature",
	"audit_cuts.hash":             "is a hash",
	"audit_cuts.signature":        "is a signature",
}

// C-03: a column that is sealed and that Reseal does not know would be lost with
// the old key. Whoever adds one meets this test.
func TestSealedColumns(t *testing.T) {
	known := store.SealedColumns()
	db := storetest.Open(t)
	all, err := store.Column(db, `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND upper(c.type) IN ('BYTEA', 'BLOB') ORDER BY 1`)
	must(t, err)
	for _, column := range all {
		if slices.Contains(known, column) == (openColumns[column] != "") {
			t.Errorf("%s: is it sealed? Then it belongs into sealedColumns; otherwise say here why it lies open", column)
		}
	}
	// Values may also lie in columns of text: what the package seals is found by
	// the places that it names.
	places := regexp.MustCompile(`\bplace\("(\w+)", "(\w+)"`)
	files, err := filepath.Glob("*.go")
	must(t, err)
	found := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		for _, m := range places.FindAllStringSubmatch(string(text), -1) {
			found[m[1]+"."+m[2]] = true
		}
	}
	for column := range found {
		if !slices.Contains(known, column) && column != "cache.device" { // the cache is no database: what does not open there is not there
			t.Errorf("%s is sealed and not in sealedColumns", column)
		}
	}
	for _, column := range known {
		if !found[column] {
			t.Errorf("nothing seals %s", column)
		}
	}
}

// C-14: what the original may have ended since is dead in a copy that takes its
// place; what people hold, and who they are, stays.
func TestLapse(t *testing.T) {
	db := storetest.Open(t)
	ctx, now := t.Context(), time.Now()
	person(t, db, "ann")
	seed(t, db, "ann")
	must(t, db.Credentials.Save(ctx, mfa.Credential{ID: "t", Subject: "ann", Kind: "temporary", Expires: now.Add(time.Hour)}))
	odoo := mail.New(mail.Odoo, "shop 7", now)
	put(t, db.Outbox(), letter(now, "news"), odoo)
	must(t, db.Connections.Add(ctx, connector.Connection{ID: "shop", Client: "shop"}))
	must(t, db.Connections.SetState(ctx, "shop", "invite", `["ann"]`))
	must(t, db.Connections.SetState(ctx, "shop", "cursor", "7"))
	must(t, db.Owners.Offer(ctx, "founding", now.Add(time.Hour)))
	must(t, db.Owners.Offered(ctx, "founding"))
	must(t, db.Lapse(ctx))
	wantErr(t, db.Owners.Offered(ctx, "founding"), idp.ErrExpired)
	waiting, err := db.Connections.State(ctx, "shop", "invite")
	must(t, err)
	cursor, err := db.Connections.State(ctx, "shop", "cursor")
	must(t, err)
	if waiting != "" || cursor != "7" {
		t.Errorf("%q are invited again; the cursor is at %q", waiting, cursor)
	}
	_, _, session := db.Sessions.ByHash(ctx, "ann")
	_, _, flow := db.Flows.Get(ctx, "ann")
	_, challenge := db.Challenges.Get(ctx, "ann")
	_, _, grant := db.Grants.Get(ctx, oidc.KindAccess, "ann")
	_, _, link := db.Links.Get(ctx, idp.LinkEnrol, "ann")
	devices, err := db.Devices.Of(ctx, "ann")
	must(t, err)
	for what, err := range map[string]error{"session": session, "flow": flow, "challenge": challenge, "grant": grant, "link": link} {
		if err == nil {
			t.Errorf("the %s lives", what)
		}
	}
	held, err := db.Credentials.Held(ctx, "ann")
	must(t, err)
	_, err = db.Users.ByID(ctx, "ann")
	if err != nil || len(devices) != 0 || len(held) != 1 || held[0].Kind != "totp" {
		t.Errorf("%v, %d devices, %v", err, len(devices), held)
	}
	if left := claim(t, db.Outbox(), 1); left[0].Channel != mail.Odoo {
		t.Errorf("%+v", left)
	}
}

// A copy is whole and one moment's while somebody writes, and nobody but its
// owner may read it; an open database is nobody else's.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	url := storetest.FinishedFile(t, dir+"/latchkey.db")
	ring := keyring.New()
	db := storetest.With(t, store.Config{URL: url, Keyring: ring})
	l := newLedger(t, db, storetest.NewClock())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ctx.Err() == nil; n++ {
			// Both or neither, in every copy.
			_ = db.Atomic(ctx, func(ctx context.Context) error {
				id := idp.UserID(fmt.Sprint("u", n))
				return errors.Join(db.Users.Add(ctx, idp.User{ID: id, Login: string(id), Kind: idp.Internal}, nil),
					db.Log.Append(ctx, idp.Event{ID: fmt.Sprint("e", n), At: l.clock.Now(), What: "user.add", User: id, Result: "ok"}))
			})
		}
	}()
	for n := range 3 {
		to := fmt.Sprintf("%s/copy%d.db", dir, n)
		version, err := store.Copy(t.Context(), url, to)
		must(t, err)
		info, err := os.Stat(to)
		must(t, err)
		if info.Mode().Perm() != 0o600 || version < 20 {
			t.Errorf("mode %v, schema %d", info.Mode(), version)
		}
		must(t, store.Sound(t.Context(), "sqlite:"+to))
		c := storetest.With(t, store.Config{URL: "sqlite:" + to, Keyring: ring})
		odd, err := store.Column(c, `SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM events) UNION SELECT user_id FROM events WHERE user_id NOT IN (SELECT id FROM users)`)
		if err != nil || len(odd) > 0 {
			t.Errorf("halves of a transaction: %v %v", odd, err)
		}
	}
	if _, err := store.Copy(t.Context(), url, dir+"/copy0.db"); !errors.Is(err, os.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	stop()
	<-ended
	_, err := store.Alone(t.Context(), url)
	wantErr(t, err, store.ErrInUse)
	must(t, db.Close())
	release, err := store.Alone(t.Context(), url)
	must(t, err)
	must(t, release())

	text, err := os.ReadFile(dir + "/copy0.db")
	must(t, err)
	broken := bytes.Clone(text)
	copy(broken[8192:], bytes.Repeat([]byte{0xa5}, 8192))
	must(t, os.WriteFile(dir+"/broken.db", broken, 0o600))
	wantErr(t, store.Sound(t.Context(), "sqlite:"+dir+"/broken.db"), store.ErrUnsound)
	_, err = store.Copy(t.Context(), "postgres://localhost/x", dir+"/pg")
	wantErr(t, err, idp.ErrInvalid)
}

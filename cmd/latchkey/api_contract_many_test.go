package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/job"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/odootest"
	"latchkey/mfa/policy"
)

// mailbox is a mail server that takes everything.
func mailbox(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go takeMail(c)
		}
	}()
	return ln.Addr().String()
}

func takeMail(c net.Conn) {
	defer c.Close()
	fmt.Fprint(c, "220 ready\r\n")
	data := false
	for lines := bufio.NewScanner(c); lines.Scan(); {
		switch verb, _, _ := strings.Cut(lines.Text(), " "); {
		case data && lines.Text() == ".":
			data = false
			fmt.Fprint(c, "250 taken\r\n")
		case data:
		case verb == "DATA":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case verb == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 yes\r\n")
		}
	}
}

// texter is a gateway that takes every text message.
func texter(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func (c *contract) many() {
	for i := range 3 {
		c.w.user(fmt.Sprintf("many%d@example.org", i))
	}
	c.w.user("many-owner@example.org", func(in *account.New) { in.Role = idp.Owner })
	b := c.call("prepare-bulk", m{"act": "disable", "filter": m{"q": "many"}}).want(http.StatusCreated)
	id := b.at("id")
	if b.at("todo") != "4" || b.header.Get("Location") != "/api/v1/bulk/"+id {
		c.t.Errorf("%s", b.body)
	}
	first := c.call("list-bulk-people", nil, "id", id, "?limit=3").want(http.StatusOK)
	next := c.call("list-bulk-people", nil, "id", id, "?limit=3&cursor="+first.at("next")).want(http.StatusOK)
	if first.at("items", 0, "id") == next.at("items", 0, "id") || next.at("next") != "null" {
		c.t.Errorf("%s %s", first.body, next.body)
	}
	// It is that of who made it.
	c.w.send(c.second, http.MethodPost, "/api/v1/bulk/"+id+"/start", nil).want(http.StatusNotFound)
	c.call("start-bulk", nil, "id", id).want(http.StatusAccepted)
	c.w.jobs.Wait()
	if d := c.call("get-bulk", nil, "id", id).want(http.StatusOK); d.at("done") != "4" || d.at("todo") != "0" || d.at("work", "state") != "done" {
		c.t.Errorf("%s", d.body)
	}
	if l := c.call("list-bulk-people", nil, "id", id, "?which=done").want(http.StatusOK); l.at("items", 3, "id") == "null" {
		c.t.Errorf("%s", l.body)
	}
	again := c.call("prepare-bulk", m{"act": "disable", "filter": m{"q": "many"}}).want(http.StatusCreated)
	if again.at("skipped", "already") != "4" {
		c.t.Errorf("%s", again.body)
	}
	if l := c.call("list-bulk-people", nil, "id", again.at("id"), "?which=skipped").want(http.StatusOK); l.at("items", 0, "why") != "already" {
		c.t.Errorf("%s", l.body)
	}
	c.call("prepare-bulk", m{"act": "join", "ids": []string{"nobody"}, "group": "x"}).want(http.StatusUnprocessableEntity)
	c.call("prepare-bulk", m{"act": "unlock", "ids": []string{"x"}, "filter": m{}}).want(http.StatusUnprocessableEntity)
}

func (c *contract) imports() {
	table := "e-mail;nom;hash\nimport1@example.org;Un;$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW\nno address;Deux;\nimport3@example.org;Trois;\n"
	made := c.callAs("begin-import", "text/csv", []byte(table)).want(http.StatusCreated)
	id := made.at("id")
	if made.at("step") != "columns" || made.at("names", 1) != "nom" || made.at("separator") != ";" || made.at("sample", 0, 1) != "Un" {
		c.t.Errorf("%s", made.body)
	}
	c.callAs("begin-import", "application/json", m{}).want(http.StatusUnsupportedMediaType)
	c.callAs("begin-import", "text/csv", []byte("\x00\x01")).want(http.StatusUnprocessableEntity)
	c.call("start-import", m{}, "id", id).want(http.StatusConflict)
	c.call("check-import", m{"fields": []string{"email", "email", ""}}, "id", id).want(http.StatusUnprocessableEntity)
	c.call("check-import", m{"fields": []string{"email", "name", "password_hash"}, "kind": "portal", "groups": []string{"imported"}}, "id", id).want(http.StatusAccepted)
	c.w.jobs.Wait()
	checked := c.call("get-import", nil, "id", id).want(http.StatusOK)
	if checked.at("step") != "checked" || checked.at("sums", "added") != "2" || checked.at("sums", "refused") != "1" || strings.Contains(string(checked.body), "R9h/cIPz") { // D-06
		c.t.Errorf("%s", checked.body)
	}
	if r := c.call("list-refused-rows", nil, "id", id).want(http.StatusOK); r.at("items", 0, "line") != "3" || r.at("items", 0, "why", 0, "field") != "email" {
		c.t.Errorf("%s", r.body)
	}
	c.call("start-import", m{"invite": true}, "id", id).want(http.StatusAccepted)
	c.w.jobs.Wait()
	if d := c.call("get-import", nil, "id", id).want(http.StatusOK); d.at("step") != "done" || d.at("bulks", 0) == "null" {
		c.t.Errorf("%s", d.body)
	}
	if u := c.call("list-users", nil, "?q=import3@example.org").want(http.StatusOK); u.at("items", 0, "groups", 0) != "imported" || u.at("items", 0, "kind") != "portal" {
		c.t.Errorf("%s", u.body)
	}
	c.call("get-import", nil, "id", "nonsense").want(http.StatusNotFound)
}

// two is what takes two administrators (M-10).
func (c *contract) two() {
	v := c.call("get-settings", nil).want(http.StatusOK).at("version")
	c.call("replace-settings", []byte(`{"assurance": "aal2", "second_approver": true, "sessions": 5, "version": `+v+`}`)).want(http.StatusOK)
	u := c.w.user("dual@example.org")
	asked := c.call("request-temporary-code", m{"reason": "phone lost", "hours": 2}, "id", string(u.ID)).want(http.StatusCreated)
	id := asked.at("id")
	if asked.at("state") != "waiting" || asked.at("own") != "true" || asked.at("hours") != "2" {
		c.t.Errorf("%s", asked.body)
	}
	c.call("take-approved-code", nil, "approval", id).want(http.StatusConflict)
	other := *c
	other.secret = c.second
	if l := other.call("list-approvals", nil).want(http.StatusOK); l.at("items", 0, "id") != id || l.at("items", 0, "own") != "false" {
		c.t.Errorf("%s", l.body)
	}
	c.w.send(c.second, http.MethodPost, "/api/v1/approvals/"+id+"/allow", nil).want(http.StatusNotFound) // D-03: a token is nobody's word
	second, err := c.w.people.accounts.Find(c.t.Context(), "second@example.org")
	c.w.must(err)
	c.w.must(c.w.people.approvals().Allow(c.t.Context(), idp.Actor{User: second.ID, Role: second.Role}, id))
	other.call("take-approved-code", nil, "approval", id).want(http.StatusForbidden)
	if g := c.call("get-approval", nil, "approval", id).want(http.StatusOK); g.at("state") != "allowed" {
		c.t.Errorf("%s", g.body)
	}
	if code := c.call("take-approved-code", nil, "approval", id).want(http.StatusCreated); code.at("code") == "null" {
		c.t.Errorf("%s", code.body)
	}
	c.call("take-approved-code", nil, "approval", id).want(http.StatusNotFound)
	again := c.call("request-temporary-code", m{"reason": "again"}, "id", string(u.ID)).want(http.StatusCreated)
	other.call("refuse-approval", nil, "approval", again.at("id")).want(http.StatusNoContent)
	other.call("refuse-approval", nil, "approval", again.at("id")).want(http.StatusNotFound)
	if l := c.call("list-approvals", nil).want(http.StatusOK); strings.Contains(string(l.body), again.at("id")) {
		c.t.Errorf("%s", l.body)
	}
}

func (c *contract) companies() {
	made := c.call("create-company", m{"name": "Atelier Martin"}).want(http.StatusCreated)
	id := made.at("id")
	c.call("create-company", m{"name": " "}).want(http.StatusUnprocessableEntity)
	got := c.call("get-company", nil, "company", id).want(http.StatusOK)
	c.w.send(c.secret, http.MethodPatch, "/api/v1/companies/"+id, m{"name": "X"}, "If-Match", `"other"`).want(http.StatusPreconditionFailed)
	c.call("rename-company", m{"name": "Atelier"}, "company", id).want(http.StatusOK)
	if l := c.call("list-companies", nil, "?q=atelier").want(http.StatusOK); l.at("items", 0, "name") != "Atelier" || got.at("name") != "Atelier Martin" {
		c.t.Errorf("%s", l.body)
	}
	for i := range 3 {
		c.call("create-company", m{"name": fmt.Sprintf("Page %d", i)}).want(http.StatusCreated)
	}
	first := c.call("list-companies", nil, "?limit=2").want(http.StatusOK)
	if next := c.call("list-companies", nil, "?limit=2&cursor="+first.at("next")).want(http.StatusOK); next.at("items", 0, "id") == first.at("items", 1, "id") {
		c.t.Errorf("%s", next.body)
	}
	portal := c.w.user("main@example.org", func(in *account.New) { in.Kind = idp.Portal })
	staff := c.w.user("employee@example.org")
	c.call("put-company-member", m{"lead": true}, "company", id, "id", string(portal.ID)).want(http.StatusNoContent)
	c.call("put-company-member", m{"lead": false}, "company", id, "id", string(staff.ID)).want(http.StatusUnprocessableEntity)
	c.call("put-company-member", m{"lead": false}, "company", id, "id", "nobody").want(http.StatusNotFound)
	l := c.call("list-company-members", nil, "company", id).want(http.StatusOK)
	if l.at("items", 0, "user") != string(portal.ID) || l.at("items", 0, "lead") != "true" {
		c.t.Errorf("%s", l.body)
	}
	c.call("list-company-members", nil, "company", "nonsense").want(http.StatusNotFound)
	if of := c.call("list-user-companies", nil, "id", string(portal.ID)).want(http.StatusOK); of.at("items", 0, "id") != id {
		c.t.Errorf("%s", of.body)
	}
	c.call("remove-company-member", nil, "company", id, "member", l.at("items", 0, "id")).want(http.StatusNoContent)
	c.call("remove-company-member", nil, "company", id, "member", l.at("items", 0, "id")).want(http.StatusNotFound)
	c.call("delete-company", nil, "company", id).want(http.StatusNoContent)
	c.call("get-company", nil, "company", id).want(http.StatusNotFound)
}

// moreOdoo is about people of the Odoo "shop", and its websites.
func (c *contract) moreOdoo(there *odootest.Odoo) {
	if l := c.call("find-databases", m{"url": there.URL}).want(http.StatusOK); l.at("items", 0) != there.Database {
		c.t.Errorf("%s", l.body)
	}
	c.call("find-databases", m{"url": "http://127.0.0.1:1"}).want(http.StatusBadGateway)
	c.w.send(c.secret, http.MethodPatch, "/api/v1/odoo/shop", m{"leads": true}, "If-Match", `"other"`).want(http.StatusPreconditionFailed)
	c.call("list-cases", nil, "id", "shop").want(http.StatusOK)
	c.call("list-cases", nil, "id", "nonsense").want(http.StatusNotFound)
	c.call("close-case", nil, "id", "shop", "user", "nobody").want(http.StatusNoContent)
	c.call("examine-odoo", m{"check": "signup"}, "id", "shop")
	for _, id := range []string{"get-portal", "install-portal", "remove-portal"} {
		c.call(id, nil, "id", "shop").want(http.StatusOK)
	}
	c.call("list-intake-classes", nil).want(http.StatusOK)
	c.call("bring-people", m{"from": "sql"}, "id", "shop").want(http.StatusUnprocessableEntity)
	c.call("bring-people", m{"on": m{"nonsense": "x"}}, "id", "shop").want(http.StatusUnprocessableEntity)
	begun := c.call("bring-people", m{"dry_run": true}, "id", "shop").want(http.StatusAccepted)
	c.w.jobs.Wait()
	if d := c.call("get-odoo-work", nil, "id", "shop", "work", begun.at("id")).want(http.StatusOK); d.at("state") != string(job.Done) || d.at("dry_run") != "true" || d.at("import", "users") == "null" {
		c.t.Errorf("%s", d.body)
	}
	c.call("get-odoo-work", nil, "id", "shop", "work", "nonsense").want(http.StatusNotFound)
	if l := c.call("list-odoo-work", nil, "id", "shop").want(http.StatusOK); l.at("items", 0, "id") != begun.at("id") {
		c.t.Errorf("%s", l.body)
	}
	wrong := c.call("bring-people", m{"from": "csv", "file": "nonsense"}, "id", "shop").want(http.StatusAccepted)
	c.w.jobs.Wait()
	if d := c.call("get-odoo-work", nil, "id", "shop", "work", wrong.at("id")).want(http.StatusOK); d.at("state") != string(job.Failed) || d.at("why") != "invalid" {
		c.t.Errorf("%s", d.body)
	}
}

func (c *contract) messages() {
	l := c.call("list-messages", nil).want(http.StatusOK)
	if l.at("items", 0, "parts", 0, "values", 0) != "{code}" {
		c.t.Errorf("%s", l.body)
	}
	at := []string{"message", "recover", "language", "fr"}
	with := func(more string) []string { return append(slices.Clone(at), more) }
	was := c.call("get-message-texts", nil, at...).want(http.StatusOK)
	c.call("get-message-texts", nil, "message", "recover", "language", "xx").want(http.StatusNotFound)
	c.call("get-message-texts", nil, "message", "nonsense", "language", "fr").want(http.StatusNotFound)
	bad := c.call("replace-message-texts", m{"texts": m{"subject": "Sans marque"}}, at...).want(http.StatusUnprocessableEntity)
	if bad.at("errors", 0, "location") != "body.texts.subject" {
		c.t.Errorf("%s", bad.body)
	}
	set := c.call("replace-message-texts", m{"texts": m{"subject": "{brand} : bonjour", "text": was.at("ours", "text")}}, at...).want(http.StatusOK)
	if set.at("texts", "subject") != "{brand} : bonjour" || set.at("texts", "text") != "null" {
		c.t.Errorf("%s", set.body)
	}
	c.call("replace-message-texts", m{"texts": m{}}, at...).want(http.StatusConflict) // another version
	if p := c.call("preview-message", m{}, at...).want(http.StatusOK); !strings.HasSuffix(p.at("items", 0, "subject"), ": bonjour") {
		c.t.Errorf("%s", p.body)
	}
	if p := c.call("preview-message", m{"texts": m{"subject": "{brand} : salut"}}, at...).want(http.StatusOK); !strings.HasSuffix(p.at("items", 0, "subject"), ": salut") {
		c.t.Errorf("%s", p.body)
	}
	if p := c.call("preview-message", m{}, "message", "sms_code", "language", "de").want(http.StatusOK); p.at("items", 0, "messages") != "1" {
		c.t.Errorf("%s", p.body)
	}
	if sent := c.call("test-message", m{}, at...).want(http.StatusOK); sent.at("to") != "owner@example.org" {
		c.t.Errorf("%s", sent.body)
	}
	c.call("test-message", m{"sample": "nonsense"}, at...).want(http.StatusUnprocessableEntity)
	c.call("reset-message-texts", nil, with("?version=99")...).want(http.StatusConflict)
	c.call("reset-message-texts", nil, with("?version="+set.at("version"))...).want(http.StatusNoContent)
	if sent := c.call("test-mail", nil).want(http.StatusOK); sent.at("to") != "owner@example.org" {
		c.t.Errorf("%s", sent.body)
	}
	if sent := c.call("test-gateways", m{"to": "+33612345678"}).want(http.StatusOK); sent.at("handled_by") == "null" {
		c.t.Errorf("%s", sent.body)
	}
	c.call("test-gateways", m{"to": "12"}).want(http.StatusUnprocessableEntity)
	c.deliveries()
}

func (c *contract) deliveries() {
	lost := mail.New(mail.Mail, "lost@example.org", c.w.clock())
	lost.Subject, lost.Text = "Lost", "Nobody took it.\n"
	if err := c.w.db.Outbox(mail.Mail).Put(c.t.Context(), lost); err != nil {
		c.t.Fatal(err)
	}
	first := c.call("list-deliveries", nil, "?limit=1&channel=mail").want(http.StatusOK)
	if strings.Contains(string(first.body), "Nobody took it") { // T-08
		c.t.Errorf("%s", first.body)
	}
	if next := c.call("list-deliveries", nil, "?limit=1&channel=mail&cursor="+first.at("next")).want(http.StatusOK); next.at("items", 0, "id") == first.at("items", 0, "id") {
		c.t.Errorf("%s", next.body)
	}
	if one := c.call("list-deliveries", nil, "?to=LOST@example.org").want(http.StatusOK); one.at("items", 0, "id") != lost.ID || one.at("items", 0, "state") != "waiting" {
		c.t.Errorf("%s", one.body)
	}
	c.call("send-again", nil, "delivery", lost.ID).want(http.StatusNotFound) // it waits still
	box := c.w.db.Outbox(mail.Mail)
	all, err := box.Claim(c.t.Context(), 1000, time.Minute)
	for _, m := range all {
		err = errors.Join(err, box.Retry(c.t.Context(), m, time.Time{}, "refused"))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.call("send-again", nil, "delivery", lost.ID).want(http.StatusNoContent)
}

// aPicture is a file with one.
func aPicture(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (c *contract) looks() {
	c.callAs("set-logo", "image/png", aPicture(c.t), "for", "light").want(http.StatusOK)
	c.callAs("set-logo", "image/png", []byte("no picture"), "for", "light").want(http.StatusUnprocessableEntity)
	c.callAs("set-logo", "application/json", m{}, "for", "light").want(http.StatusUnsupportedMediaType)
	c.callAs("set-logo", "image/png", aPicture(c.t), "for", "other").want(http.StatusUnprocessableEntity)
	b := c.callAs("set-logo", "image/png", aPicture(c.t), "for", "dark").want(http.StatusOK)
	if len(b.at("logo_dark", "hash")) != 64 || b.at("logo", "width") == "null" {
		c.t.Errorf("%s", b.body)
	}
	c.call("remove-logo", nil, "for", "dark").want(http.StatusNoContent)
	c.call("get-brand", nil).want(http.StatusOK)
	c.call("create-client", m{"client_id": "looks", "type": "spa", "redirect_uris": []string{"https://l.example.org/"}}).want(http.StatusCreated)
	c.callAs("set-client-logo", "image/png", aPicture(c.t), "client", "looks", "for", "light").want(http.StatusOK)
	c.callAs("set-client-logo", "image/png", aPicture(c.t), "client", "nonsense", "for", "light").want(http.StatusNotFound)
	if l := c.call("list-brands", nil).want(http.StatusOK); l.at("items", 0) != "looks" {
		c.t.Errorf("%s", l.body)
	}
	c.call("remove-client-logo", nil, "client", "looks", "for", "light").want(http.StatusNoContent)
	if w := c.call("check-brand", m{"colours": m{"primary": "#ffee00"}}).want(http.StatusOK); w.at("warnings", 0, "remedy") == "null" {
		c.t.Errorf("%s", w.body)
	}
	if bad := c.call("check-brand", m{"colours": m{"primary": "yellow"}}).want(http.StatusUnprocessableEntity); bad.at("errors", 0, "location") != "body.primary" {
		c.t.Errorf("%s", bad.body)
	}
}

func (c *contract) figures() {
	c.w.policies(policy.Policy{Name: "soon", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{
		Assurance: policy.MFA, Enrolment: policy.Enrolment{Deadline: policy.Date(c.w.clock().AddDate(0, 1, 0).Format("2006-01-02"))},
	}})
	c.call("count-coverage", nil).want(http.StatusAccepted)
	c.w.jobs.Wait()
	if err := c.w.records.counter(func(error) {}).Once(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	f := c.call("get-figures", nil, "?days=7").want(http.StatusOK)
	if f.at("sign_ins", 6, "ok") == "null" || f.at("coverage", 0, "people") == "0" || f.at("odoo", 0, "id") != "shop" || f.at("deadlines", 0, "policy") != "soon" {
		c.t.Errorf("%s", f.body)
	}
}

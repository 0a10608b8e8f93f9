package records_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
	"latchkey/ui/admin/records"
	"latchkey/ui/page/pagetest"
)

// archive is a house with the pages of the log.
type archive struct {
	*admintest.House
	log *audit.Service
}

func open(t *testing.T) *archive {
	t.Helper()
	a := &archive{}
	a.House = admintest.Open(t, func(h *admintest.House) []admin.Section {
		keys, err := h.DB.AuditKeys(t.Context())
		h.Must(err)
		a.log = &audit.Service{
			Reader: h.DB.AuditReader, Chain: h.DB.Audit, Work: h.DB.AuditWork, Log: h.DB.Log, Keys: keys, Now: h.Clock.Now, Targets: []string{"webhook"},
			Sequencer: &audit.Sequencer{Chain: h.DB.Audit, Work: h.DB.AuditWork, Keys: keys, Holder: "one", Now: h.Clock.Now},
		}
		return (&records.Pages{Log: a.log, Find: h.Accounts.Find}).Sections()
	})
	return a
}

func (a *archive) write(es ...idp.Event) {
	a.T.Helper()
	for _, e := range es {
		a.Clock.Pass(time.Second)
		e.At = a.Clock.Now()
		a.Must(a.DB.Log.Append(a.T.Context(), e))
	}
}

func ids(v *pagetest.Visitor) string {
	var out []string
	v.Doc.Find("#events tbody tr a[href^='/admin/audit/events/']").Each(func(_ int, s *goquery.Selection) {
		href, _ := s.Attr("href")
		if id := strings.TrimPrefix(href, "/admin/audit/events/"); len(id) < 10 { // others are of the house itself
			out = append(out, id)
		}
	})
	return strings.Join(out, " ")
}

// D-08: the list, its filters and its pages.
func TestList(t *testing.T) {
	a := open(t)
	ada, bob := a.Add("ada"), a.Add("bob")
	a.Person(idp.Auditor)
	for i := range 60 {
		a.write(idp.Event{ID: fmt.Sprintf("s%02d", i), What: "signin", User: ada.ID, Actor: ada.ID, Client: "web", Result: "ok", Origin: idp.Origin{Address: "192.0.2.1", Request: "r"}})
	}
	a.write(
		idp.Event{ID: "reset", What: "factor.reset", User: bob.ID, Actor: ada.ID, Result: "ok"},
		idp.Event{ID: "locked", What: "signin.password", User: bob.ID, Result: "locked", Origin: idp.Origin{Address: "192.0.2.9"}},
		idp.Event{ID: "new", What: "something.new", Result: "ok", Origin: idp.Origin{Agent: "command line, root"}},
	)
	v := a.Enter(idp.Auditor, "/admin/audit").Want(http.StatusOK, "/admin/audit")
	v.Has("form#audit-filter", "form#audit-export", "#events", ".pager a[rel=next]").Says("something.new", "Two-step verification reset", "Person bob", "Command line of the server", "Blocked: too many tries")
	first := ids(v)
	v.Follow(".pager a[rel=next]")
	if second := ids(v); !strings.HasPrefix(first, "new locked reset s59 ") || !strings.HasSuffix(second+" ", " s00 "+strings.SplitN(second+" ", " s00 ", 2)[1]) || strings.Contains(second, "s59") {
		t.Errorf("pages: %s | %s", first, second)
	}
	v.Has(".pager a[rel=first]")
	for query, want := range map[string]string{
		"user=bob": "locked reset", "user=bob@example.com": "locked reset", "actor=ada&what=factor": "reset", "result=locked": "locked", "result=failed": "locked",
		"address=192.0.2.9": "locked", "client=web&what=factor": "", "what=something.new": "new", "since=2026-07-15": "", "until=2026-07-14&what=factor.": "reset", "user=" + string(bob.ID): "locked reset",
	} {
		v.Get("/admin/audit?"+query).Want(http.StatusOK, "/admin/audit")
		if got := ids(v); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	v.Get("/admin/audit?client=none").Says("No event fits")
	for query, says := range map[string]string{
		"user=carol": "There is nobody of that name", "what=a+b": "Lower-case letters", "since=x": "A date is expected", "since=2026-02-02&until=2026-02-01": "not before the first day",
	} {
		v.Get("/admin/audit?"+query).Want(http.StatusBadRequest, "/admin/audit").Says(says).Has("form#audit-filter .is-invalid")
	}
}

// One event with all that is known, what was changed, and its place in the chain.
func TestEvent(t *testing.T) {
	a := open(t)
	ada := a.Add("ada")
	a.write(idp.Event{ID: "e1", What: "user.update", User: ada.ID, Result: "ok", Origin: idp.Origin{Address: "192.0.2.1", Agent: "<script>x", Request: "r17"}, Detail: map[string]string{"name.before": "Ada", "name.after": "Ada King", "why": "wedding"}})
	v := a.Enter(idp.Auditor, "/admin/audit/events/e1").Want(http.StatusOK, "/admin/audit/events/e1")
	v.Says("Account details changed", "user.update", "Ada King", "wedding", "2026-07-14 09:00", "r17", "Seal right, will join the chain in a moment").Has("#changes", "a[href='/admin/audit?request=r17']").HasNot("script")
	a.Must(a.log.Sequencer.Finish(t.Context()))
	v.Get("/admin/audit/events/e1").Says("Seal right, in the chain")
	v.Get("/admin/audit/events/none").Want(http.StatusNotFound, "/admin/audit/events/none")
}

// D-11: exports with the filters of the page, which leave an event.
func TestExport(t *testing.T) {
	a := open(t)
	ada := a.Add("ada")
	a.write(idp.Event{ID: "e1", What: "signin", User: ada.ID, Result: "ok", Origin: idp.Origin{Agent: "=1+1"}}, idp.Event{ID: "e2", What: "signout", Result: "ok"})
	v := a.Enter(idp.Auditor, "/admin/audit?user=ada&what=signin").Want(http.StatusOK, "/admin/audit")
	v.Submit("audit-export", "format", "csv")
	rows, err := csv.NewReader(bytes.NewReader(v.Body)).ReadAll()
	if err != nil || v.Status != http.StatusOK || len(rows) != 2 || rows[1][12] != "e1" || rows[1][10] != "'=1+1" {
		t.Errorf("%d %v %q", v.Status, err, v.Body)
	}
	a.Clock.Pass(time.Second) // two events of one moment are in no order
	v.Get("/admin/audit").Submit("audit-export", "format", "jsonl")
	r, err := audit.VerifyFile(t.Context(), bytes.NewReader(v.Body), a.log.Key(), nil)
	if err != nil || !r.Well() || r.Rows < 3 {
		t.Errorf("%+v %v\n%s", r, err, v.Body)
	}
	if es := a.Events("audit.export"); len(es) != 2 || es[0].Actor != a.Person(idp.Auditor).ID || es[0].Detail["event"] != "signin" || es[0].Detail["format"] != "csv" {
		t.Errorf("%+v", es)
	}
}

// D-09: the check from the page, what it found, and where events are sent on to.
func TestChain(t *testing.T) {
	a := open(t)
	a.write(idp.Event{ID: "e1", What: "signin", Result: "ok"}, idp.Event{ID: "e2", What: "signin", Result: "ok"})
	v := a.Enter(idp.Auditor, "/admin/audit/chain").Want(http.StatusOK, "/admin/audit/chain")
	v.Says("has not been checked yet", audit.FormatKey(a.log.Key()), "There is none yet", "nothing sent yet")
	a.Must(a.log.Sequencer.Finish(t.Context()))
	v.Submit("audit-verify").Want(http.StatusOK, "/admin/audit/chain").Says("The check is done", "all is well").Has("#checkpoints tbody tr")
	a.Must(a.DB.AuditWork.SetState(context.Background(), "verify", `{"broken":{"kind":"missing","seq":1,"says":"there is no row 1"},"whole":true,"to":0}`))
	v.Get("/admin/audit/chain").Says("Event 1: it is missing", "there is no row 1", "Somebody had write access")
	v.Get("/admin/audit").Has("#broken")
	if es := a.Events("audit.verify"); len(es) != 1 || es[0].Result != "ok" {
		t.Errorf("%+v", es)
	}
}

// D-01: the help desk and people without a role see nothing of it.
func TestRefused(t *testing.T) {
	a := open(t)
	a.write(idp.Event{ID: "e1", What: "signin", Result: "ok"})
	for _, role := range []idp.Role{"", idp.HelpDesk} {
		for _, path := range []string{"/admin/audit", "/admin/audit/events/e1", "/admin/audit/chain"} {
			a.Enter(role, path).Want(http.StatusForbidden, path)
		}
	}
}

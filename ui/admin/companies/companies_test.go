package companies

import (
	"net/http"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/company"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
)

func open(t *testing.T) (*admintest.House, *company.Service) {
	t.Helper()
	var s *company.Service
	h := admintest.Open(t, func(h *admintest.House) []admin.Section {
		s = &company.Service{
			Store: h.DB.Companies, Help: h.Help, Users: h.DB.Users, Limiter: h.DB.Limiter, Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now,
		}
		return (&Pages{Companies: s, Accounts: h.Accounts}).Sections()
	})
	h.Person(idp.Owner)
	return h, s
}

func TestCompanies(t *testing.T) {
	h, s := open(t)
	portal := func(in *account.New) { in.Kind = idp.Portal }
	pia := h.Add("pia", portal)
	v := h.Enter(idp.Admin, listPath).Want(http.StatusOK, listPath).Has(".empty")
	v.Submit("company-add", "name", " ").Want(http.StatusBadRequest, listPath).Has("#f-name[aria-invalid]")
	v.Submit("company-add", "name", "Atelier <b>").Has("#done", ".empty").Says("Atelier <b>")
	one := v.At.Path
	v.Submit("company-put", "who", "nobody@example.org", "lead", "yes").Want(http.StatusBadRequest, one+"/put").Has("#f-who[aria-invalid][value='nobody@example.org']", "#f-lead[checked]")
	v.Submit("company-put", "who", "admin").Want(http.StatusBadRequest, one+"/put").Has("#f-who[aria-invalid]")
	v.Submit("company-put", "who", "pia@example.com", "lead", "yes").Want(http.StatusOK, one).Has("#done", ".chip-good")
	ms, err := s.Members(t.Context(), admintest.Host, company.MemberQuery{Company: one[len(listPath)+1:]})
	if err != nil || len(ms) != 1 || !ms[0].Lead || ms[0].User.ID != pia.ID {
		t.Fatal(ms, err)
	}
	v.Submit("lead-"+ms[0].ID).Want(http.StatusOK, one).HasNot(".chip-good").Submit("lead-" + ms[0].ID).Has(".chip-good")
	v.Submit("company-rename", "name", "Martin").Want(http.StatusOK, one).Says("Martin").Submit("company-rename", "name", "").Want(http.StatusBadRequest, one+"/rename").Has("#f-name[aria-invalid]")
	v.Get(listPath + "?q=MART").Has("#companies").Get(listPath + "?q=none").Has(".empty")
	v.Get(one).Submit("take-"+ms[0].ID).Want(http.StatusOK, one).Has(".empty")
	v.Follow("#to-remove").Submit("company-remove").Want(http.StatusOK, listPath).Has(".empty", "#done")
	v.Get(one).Want(http.StatusNotFound, one)
	for what, n := range map[string]int{"company.add": 1, "company.put": 3, "company.rename": 1, "company.take": 1, "company.remove": 1} {
		if es := h.Events(what); len(es) != n || es[0].Actor != h.Person(idp.Admin).ID {
			t.Errorf("%s: %+v", what, es)
		}
	}
}

// D-01: who looks only sees no forms, and cannot send them; who has no role sees
// nothing.
func TestRoles(t *testing.T) {
	h, s := open(t)
	is, err := s.Add(t.Context(), admintest.Host, "Martin")
	h.Must(err)
	for _, role := range []idp.Role{idp.HelpDesk, idp.Auditor} {
		v := h.Enter(role, addressOf(is.ID)).Want(http.StatusOK, addressOf(is.ID)).HasNot("form[method=post]")
		v.Get(listPath).HasNot("#company-add").Get(addressOf(is.ID)+"/remove").Want(http.StatusForbidden, addressOf(is.ID)+"/remove")
	}
	h.Enter("", listPath).Want(http.StatusForbidden, listPath)
}

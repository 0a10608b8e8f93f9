package people

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/ui/page/pagetest"
)

func (h *house) upload(v *pagetest.Visitor, file []byte) {
	h.T.Helper()
	v.Get("/admin/users/import")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	h.Must(w.WriteField("csrf", v.Doc.Find("form#upload input[name=csrf]").AttrOr("value", "")))
	part, err := w.CreateFormFile("file", "people.csv")
	h.Must(err)
	_, err = part.Write(file)
	h.Must(err)
	h.Must(w.Close())
	v.Take(v.Client.Post(h.URL+"/admin/users/import", w.FormDataContentType(), &body))
}

// A thousand people from a table as a spreadsheet writes it: a mark, semicolons,
// CRLF, values with line breaks in quotation marks, headers in another language.
func TestImport(t *testing.T) {
	h := open(t)
	h.Add("there", func(in *account.New) { in.Email, in.Name = "person7@example.com", "Somebody else" })
	var file strings.Builder
	file.WriteString("\ufeffPrénom;Nom;Adresse e-mail;Groupes;Remarque\r\n")
	for i := range 1000 {
		fmt.Fprintf(&file, "Zoé;\"Person\r\nNumber %d\";person%d@example.com;buyers|north;\"two\r\nlines; and \"\"quotes\"\"\"\r\n", i, i)
	}
	file.WriteString("=cmd();Bad;no address;;x\r\nZoé;Twice;person1@example.com;;\r\n")
	v := h.Enter(idp.Admin, "/admin/users/import")
	h.upload(v, []byte("\x00\x01\x02"))
	v.Want(400, "/admin/users/import").Has("#f-file.is-invalid")
	h.upload(v, []byte(file.String()))
	draft := v.At.Path
	v.Has("form#check", "option[value=given_name][selected]", "option[value=family_name][selected]", "option[value=email][selected]", "option[value=groups][selected]").Says("semicolon", "UTF-8")
	h.Enter(idp.Owner, draft).Want(404, draft) // it is its owner's alone
	v.Submit("check", "column.2", "").Want(400, draft+"/check").Says("One column must be")
	v.Get(draft).Submit("check", "kind", "portal")
	h.desk.Wait()
	v.Get(draft).Says("1002", "999", "Zoé Person Number 0", "Portal customer", "An earlier row has the same login", "An address such as ada@example.org", "Add 999 people")
	if es := h.Events("user.add"); len(es) > 3 {
		t.Fatal("added in a dry run")
	}
	res, err := v.Client.Get(h.URL + draft + "/refused")
	h.Must(err)
	refused := new(pagetest.Visitor)
	refused.T = t
	refused.Take(res, nil)
	if text := string(refused.Body); !strings.HasPrefix(text, "\ufeffLine;Why;Prénom") || !strings.Contains(text, ";'=cmd();Bad") || strings.Count(text, "\r\n") < 4 {
		t.Errorf("%.300q", text) // D-11
	}
	v.Get(draft).Submit("start", "invite", "yes")
	h.desk.Wait()
	v.Get(draft).Says("The import is done", "999").Follow("a[href^='/admin/users/bulk/']").Says("It is done.")
	if es := h.Events("user.invite"); len(es) != 999 {
		t.Errorf("%d invitations", len(es))
	}
	v.Get("/admin/users?q=number+999&group=north&kind=portal").Says("Zoé Person Number 999", "1 person")
	if _, err := h.DB.Batches.File(t.Context(), strings.TrimPrefix(draft, "/admin/users/import/")); err == nil {
		t.Error("the file is still there")
	}
	h.Clock.Pass(time.Hour + time.Minute)
	h.Enter(idp.Admin, draft).Want(404, draft)
}

// M-12, D-06: a refused row shows neither its password's hash nor its secret.
func TestRefusedRowsHideSecrets(t *testing.T) {
	h := open(t)
	v := h.Enter(idp.Admin, "/admin/users/import")
	h.upload(v, []byte("email;password_hash;totp_secret\r\nno address;$2b$04$hashhashhash;JBSWY3DPEHPK3PXP\r\n"))
	draft := v.At.Path
	v.Submit("check")
	h.desk.Wait()
	v.Get(draft).Says("no address", "•••")
	if text := string(v.Body); strings.Contains(text, "hashhash") || strings.Contains(text, "JBSWY3") {
		t.Error("a secret is shown")
	}
}

// The export writes what the filter means, and nothing that a spreadsheet takes
// for a formula (D-11); it leaves an event.
func TestExport(t *testing.T) {
	h := open(t)
	h.Add("ada", func(in *account.New) { in.Name = "=HYPERLINK(\"x\")" })
	v := h.Enter(idp.Admin, "/admin/users?q=hyperlink").Submit("export", "format", "csv")
	if text := string(v.Body); v.Status != http.StatusOK || !strings.Contains(text, `"'=HYPERLINK(""x"")"`) || strings.Count(text, "\r\n") != 2 {
		t.Errorf("%d %.300q", v.Status, text)
	}
	if es := h.Events("people.export"); len(es) != 1 || es[0].Detail["format"] != "csv" || es[0].Detail["text"] != "yes" {
		t.Errorf("%+v", es)
	}
	v = h.Enter(idp.HelpDesk, "/admin/users")
	v.Take(v.Client.PostForm(h.URL+"/admin/users/export", map[string][]string{"csrf": {v.Doc.Find("input[name=csrf]").AttrOr("value", "")}, "format": {"csv"}})).Want(403, "/admin/users/export")
}

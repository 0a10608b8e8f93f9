package house

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/texts"
	"latchkey/ui/locale"
	"latchkey/ui/message"
)

func TestTexts(t *testing.T) {
	h, p, _ := open(t)
	h.Enter(idp.HelpDesk, messagesPath).Want(http.StatusForbidden, messagesPath)
	const path = messagesPath + "/texts/invite/fr"
	h.Enter(idp.Auditor, path).Want(http.StatusOK, path).HasNot("form#text button", "form#text-test", "#reset")
	v, late := h.Enter(idp.Admin, path), h.Enter(idp.Owner, path)
	v.Want(http.StatusOK, path).Has("textarea#f-subject", "#sample-letter-invite").HasNot("#reset")

	// What is wrong is said beside it, and nothing that was typed is lost.
	v.Submit("text", "subject", "Bienvenue", "text", "Bonjour {nom} de {brand}").Want(http.StatusBadRequest, path).Has("#wrong", "#f-subject[aria-invalid]", "#f-text[aria-invalid]")
	v.Says("{brand}", "{nom}", "Bienvenue")
	if v.Doc.Find("#f-subject").Text() != "\nBienvenue" && v.Doc.Find("#f-subject").Text() != "Bienvenue" {
		t.Errorf("typed: %q", v.Doc.Find("#f-subject").Text())
	}
	v.Get(path).Submit("text", "subject", "Bienvenue chez {brand} <b>", "next", "").Want(http.StatusOK, path).Has("#done", "#reset")
	v.Says("Bienvenue chez Atelier <b>")
	if o, err := p.Own.Get(t.Context(), h.Actor(idp.Admin), "invite", "fr"); err != nil || len(o.Texts) != 1 || o.Texts["subject"] != "Bienvenue chez {brand} <b>" {
		t.Errorf("%+v, %v: what is as ours is not the house's own", o, err)
	}
	es := h.Events("message.change")
	if len(es) != 1 || es[0].Actor != h.Person(idp.Admin).ID || es[0].Detail["subject.after"] != "Bienvenue chez {brand} <b>" || es[0].Detail["message"] != "invite" || es[0].Detail["language"] != "fr" {
		t.Errorf("%+v", es)
	}
	// Whoever comes second is told.
	late.Submit("text", "subject", "À {brand}").Want(http.StatusConflict, path).Has("#wrong")
	late.Submit("text").Want(http.StatusOK, path).Has("#done")

	v.Get(messagesPath).Has("#kinds .chip").Says("Français")
	v.Get(messagesPath + "/texts/invite").Has("#in-fr .chip").HasNot("#in-en .chip")
	v.Get(path+"/reset").Submit("text-reset").Want(http.StatusOK, path).Has("#done").HasNot("#reset")
	if _, own := p.Own.Text("invite", "fr", "subject"); own {
		t.Error("it is still the house's own")
	}
	for _, gone := range []string{"/texts/none", "/texts/invite/xx", "/texts/halt/fr"} {
		v.Get(messagesPath+gone).Want(http.StatusNotFound, messagesPath+gone)
	}
	h.Enter(idp.Auditor, path).Get(path+"/reset").Want(http.StatusForbidden, path+"/reset")
}

// what administrators say is text in the HTML of a mail, and a page that
// shows it can do nothing.
func TestPreview(t *testing.T) {
	h, p, _ := open(t)
	const path = messagesPath + "/texts/code/en"
	v := h.Enter(idp.Admin, path)
	f := v.Doc.Find("form#text")
	action, _ := f.Find("#show-preview").Attr("formaction")
	f.SetAttr("action", action)
	v.Submit("text", "text", "See <script>alert(1)</script> {brand}").Want(http.StatusOK, path+"/preview").Has("#done", "button[formtarget=_blank]").HasNot("#text-test")
	v.Says("See <script>alert(1)</script> Atelier")
	v.Doc.Find("form#text").SetAttr("action", path+"/html")
	v.Submit("text").Want(http.StatusOK, path+"/html")
	if body := string(v.Body); strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;") || !strings.Contains(v.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%s\n%v", body, v.Header)
	}
	if _, own := p.Own.Text("code", "en", "text"); own {
		t.Error("a preview was saved")
	}
	v.Get(path+"/html?sample=mail-code").Want(http.StatusOK, path+"/html")
	v.Get(path+"/html?sample=notice-locked").Want(http.StatusNotFound, path+"/html")
	// T-07: an SMS says how long it is, and its last line stays.
	v.Get(messagesPath + "/texts/sms_code/en").Has(".length").Says("@id.example.org #482913")
	v.Submit("text", "text", "Your code for {brand}").Want(http.StatusBadRequest, messagesPath+"/texts/sms_code/en").Says("{code}")
}

// A test goes to whoever asks for it, and to nobody else.
func TestTextTest(t *testing.T) {
	h, _, _ := open(t)
	const path = messagesPath + "/texts/locked/de"
	h.Enter(idp.Admin, path).Submit("text-test").Want(http.StatusOK, path+"/test").Has("#done")
	all, err := h.DB.Outbox().Newest(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].To != h.Person(idp.Admin).Email || !strings.Contains(all[0].Subject, "Atelier") {
		t.Errorf("%+v, %v", all, err)
	}
	if es := h.Events("message.test"); len(es) != 1 || es[0].Detail["message"] != "locked" {
		t.Errorf("%+v", es)
	}
	// There is no number that is known to be theirs.
	h.Enter(idp.Admin, messagesPath+"/texts/sms_code/en").HasNot("form#text-test")
}

func TestDeliveryLog(t *testing.T) {
	h, p, _ := open(t)
	box := h.DB.Outbox()
	put := func(ch mail.Channel, to string, expires time.Time) mail.Message {
		m := mail.New(ch, to, h.Clock.Now())
		m.Subject, m.Text, m.Expires = "hush", "hush-hush", expires
		h.Must(box.Put(t.Context(), m))
		h.Clock.Pass(time.Second)
		return m
	}
	lost := put(mail.Mail, "lost@example.com", time.Time{})
	code := put(mail.Mail, "code@example.com", h.Clock.Now().Add(time.Hour))
	put(mail.SMS, "+33612345678", h.Clock.Now().Add(time.Hour))
	claimed, err := box.Claim(t.Context(), 10, time.Minute)
	h.Must(err)
	for _, m := range claimed {
		if m.ID == lost.ID || m.ID == code.ID {
			h.Must(box.Retry(t.Context(), m, time.Time{}, "550 nobody"))
		}
	}
	h.Enter(idp.HelpDesk, logPath).Want(http.StatusForbidden, logPath)
	v := h.Enter(idp.Auditor, logPath).Want(http.StatusOK, logPath).Says("550 nobody", "+33612345678").HasNot("a[href$='/again']")
	if strings.Contains(string(v.Body), "hush") {
		t.Error("the log shows what a message said") // T-08
	}
	v.Get(logPath + "?failed=yes&to=LOST@example.com&channel=mail").Says("lost@example.com").HasNot("tbody tr:nth-child(2)")
	v.Get(logPath + "?channel=odoo").Has(".empty")
	v.Get(logPath+"/"+lost.ID+"/again").Want(http.StatusForbidden, logPath+"/"+lost.ID+"/again")

	// News can be sent once more, and codes cannot.
	a := h.Enter(idp.Admin, logPath).HasNot("a[href$='" + code.ID + "/again']")
	other := h.Enter(idp.Owner, logPath).Follow("a[href$='/again']")
	a.Follow("a[href$='/again']").Submit("again-form").Want(http.StatusOK, logPath).Has("#done").HasNot("a[href$='/again']")
	other.Submit("again-form")
	if other.Status != http.StatusNotFound {
		t.Errorf("sent twice: %d", other.Status)
	}
	now, err := box.Claim(t.Context(), 10, time.Minute)
	if err != nil || len(now) != 1 || now[0].To != "lost@example.com" || now[0].Text != "hush-hush" {
		t.Errorf("%+v, %v", now, err)
	}
	if es := h.Events("message.again"); len(es) != 1 || es[0].Detail["message"] != lost.ID {
		t.Errorf("%+v", es)
	}
	if err := p.Deliveries.Again(t.Context(), h.Actor(idp.Admin), code.ID); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("a code: %v", err)
	}
	for range perPage {
		put(mail.Mail, "many@example.com", time.Time{})
	}
	a.Get(logPath + "?to=many@example.com").HasNot("a[rel=next]")
	a.Get(logPath).Follow("a[rel=next]").Has("a[rel=first]").Says("+33612345678")
}

// Every kind has its samples and its words, and its places for values are those
// of the catalogue in every language.
func TestKinds(t *testing.T) {
	h, p, _ := open(t)
	v := h.Enter(idp.Admin, messagesPath)
	for _, k := range message.Kinds() {
		for _, tag := range k.Languages() {
			words, _ := locale.Find(tag)
			o := texts.Own{Message: k.Name, Language: tag, Texts: map[string]string{}}
			for _, part := range k.Parts {
				if o.Texts[part.Name] = part.Ours(words); strings.Contains(part.Ours(words), "%!") {
					t.Errorf("%s %s in %s: %s", k.Name, part.Name, tag, part.Ours(words))
				}
				if !words.Has("admin.messages.part." + part.Name) {
					t.Errorf("%s has no name", part.Name)
				}
			}
			if _, err := p.Own.Check(o); err != nil {
				t.Errorf("%s in %s: %v", k.Name, tag, err)
			}
			if strings.ContainsAny(k.Title(words), "{}%") {
				t.Errorf("%s in %s is called %s", k.Name, tag, k.Title(words))
			}
		}
		v.Get(addressOfKind(k)+"/en").Want(http.StatusOK, addressOfKind(k)+"/en")
		if n := v.Doc.Find("article.mail").Length(); n != len(k.Samples) {
			t.Errorf("%s has %d samples, want %d", k.Name, n, len(k.Samples))
		}
	}
}

package house

import (
	"bytes"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"testing"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/ui/page/pagetest"
)

func TestBranding(t *testing.T) {
	h, p, _ := open(t)
	h.Enter(idp.HelpDesk, brandingPath).Want(http.StatusForbidden, brandingPath)
	h.Enter(idp.Auditor, brandingPath).Want(http.StatusOK, brandingPath).Has(".looks-light", ".looks-dark").HasNot("form#brand button", "form#logo-light", "#reset")
	v := h.Enter(idp.Admin, brandingPath).HasNot("#reset")
	at := addressOf("")
	v.Submit("brand", "primary", "red", "legal.privacy", "javascript:alert(1)", "own.1.url", "https://example.org/x", "sign_in.de", "Guten Tag").Want(http.StatusBadRequest, at)
	v.Has("#wrong", "#f-primary[aria-invalid][value=red]", "[name='legal.privacy'][aria-invalid]", "[name='own.1.label'][aria-invalid]", "[name='own.1.url'][value='https://example.org/x']", ".look-button").Says("Guten Tag")

	// A preview shows what is typed and sets nothing.
	action, _ := v.Get(brandingPath).Doc.Find("#show-preview").Attr("formaction")
	v.Doc.Find("form#brand").SetAttr("action", action)
	v.Submit("brand", "primary", "#ffe9a8", "name", "Maison").Want(http.StatusOK, at+"/preview").Has("#done", "#w-primary li", "[name=name][value=Maison]").Says("4.5:1")
	sheet, _ := v.Doc.Find("link[href$='.both.css']").Attr("href")
	if own, _ := p.Brands.Get(t.Context(), h.Actor(idp.Admin), ""); !own.Empty() || sheet == "" {
		t.Errorf("%+v, %q", own, sheet)
	}
	if css := pagetest.Visit(t, h.URL).Get(sheet); css.Status != http.StatusOK || !bytes.Contains(css.Body, []byte(".looks-dark{--house-accent:")) {
		t.Errorf("%d %s", css.Status, css.Body)
	}
	// The picker counts where it was moved and the text was not.
	v.Get(brandingPath).Submit("brand", "name", "Maison", "pick.primary", "#00665e", "accent", "#f0c36a", "legal.privacy", "https://example.org/p", "own.1.label", "Returns", "own.1.url", "https://example.org/r", "support.en", "Call 1").
		Want(http.StatusOK, brandingPath).Has("#done", "#reset", "[name='own.2.label']")
	own, err := p.Brands.Get(t.Context(), h.Actor(idp.Admin), "")
	if err != nil || own.Colours != (brand.Colours{Primary: "#00665e", Accent: "#f0c36a"}) || own.Name != "Maison" || len(own.Legal) != 2 || own.Support["en"] != "Call 1" {
		t.Errorf("%+v, %v", own, err)
	}
	if es := h.Events("brand.change"); len(es) != 1 || es[0].Detail["primary.after"] != "#00665e" || es[0].Actor != h.Person(idp.Admin).ID {
		t.Errorf("%+v", es)
	}
	v.Get(at+"/reset").Submit("brand-reset").Want(http.StatusOK, brandingPath).Has("#done").HasNot("#reset")
	h.Enter(idp.Auditor, at+"/reset").Want(http.StatusForbidden, at+"/reset")
}

func TestBrandOfAClient(t *testing.T) {
	h, p, _ := open(t)
	v := h.Enter(idp.Admin, brandingPath).HasNot("#others")
	v.Get(brandingPath+"?client=shop").Want(http.StatusOK, addressOf("shop")).HasNot("#others").Says("The shop")
	v.Submit("brand", "name", "Shop", "primary", "#0f766e").Want(http.StatusOK, addressOf("shop")).Has("#done")
	v.Get(brandingPath).Has("#others a[href$='/shop']").HasNot("#brand-choose option[value=shop]")
	if own, err := p.Brands.Get(t.Context(), h.Actor(idp.Admin), "shop"); err != nil || own.Name != "Shop" {
		t.Errorf("%+v, %v", own, err)
	}
	v.Get(addressOf("shop")+"/reset").Says("The shop").Submit("brand-reset").Want(http.StatusOK, addressOf("shop")).HasNot("#reset")
	v.Get(addressOf("none")).Want(http.StatusNotFound, addressOf("none"))
}

// a logo is drawn anew, and what is no picture is refused.
func TestLogo(t *testing.T) {
	h, p, _ := open(t)
	v := h.Enter(idp.Admin, brandingPath)
	upload := func(file []byte, form string) *pagetest.Visitor {
		t.Helper()
		v.Get(brandingPath)
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		csrf, _ := v.Doc.Find("form#" + form + " [name=csrf]").Attr("value")
		h.Must(w.WriteField("csrf", csrf))
		if v.Doc.Find("form#"+form+" [name=dark]").Length() > 0 {
			h.Must(w.WriteField("dark", "yes"))
		}
		f, err := w.CreateFormFile("logo", "../logo.php")
		h.Must(err)
		_, err = f.Write(file)
		h.Must(err)
		h.Must(w.Close())
		return v.Take(v.Client.Post(h.URL+addressOf("")+"/logo", w.FormDataContentType(), &body))
	}
	var picture bytes.Buffer
	h.Must(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 300, 100))))
	upload([]byte("<svg onload=alert(1)>"), "logo-light").Want(http.StatusBadRequest, addressOf("")+"/logo").Has("#f-logo-light[aria-invalid]").HasNot("#f-logo-dark[aria-invalid]")
	upload(nil, "logo-dark").Want(http.StatusBadRequest, addressOf("")+"/logo").Has("#f-logo-dark[aria-invalid]")
	upload(append(picture.Bytes(), "<script>"...), "logo-dark").Want(http.StatusOK, brandingPath).Has("#done", "form#logo-dark img", ".looks-light img.paper", ".looks-dark img:not(.paper)").HasNot("form#logo-light img")
	if own, err := p.Brands.Get(t.Context(), h.Actor(idp.Admin), ""); err != nil || own.LogoDark.Width != 300 || own.Logo.Hash != "" {
		t.Errorf("%+v, %v", own, err)
	}
	v.Submit("logo-dark-remove").Want(http.StatusOK, brandingPath).Has("#done").HasNot("form#logo-dark img")
}

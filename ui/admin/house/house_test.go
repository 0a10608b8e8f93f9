package house

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/idp/settings"
	"latchkey/idp/texts"
	"latchkey/mfa/code"
	"latchkey/mfa/sms"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
	"latchkey/ui/locale"
	"latchkey/ui/message"
)

// sink stands for the gateways.
type sink struct {
	sent []sms.Message
	fail error
}

func (s *sink) Send(_ context.Context, m sms.Message) (sms.Receipt, error) {
	if s.fail != nil {
		return sms.Receipt{}, s.fail
	}
	s.sent = append(s.sent, m)
	return sms.Receipt{Gateway: "Main"}, nil
}

func (*sink) Probe(context.Context) ([]sms.Probe, error) { return nil, nil }

func open(t *testing.T) (*admintest.House, *Pages, *sink) {
	t.Helper()
	out := &sink{}
	var p *Pages
	h := admintest.Open(t, func(h *admintest.House) []admin.Section {
		p = &Pages{
			Settings: &settings.Service{Store: h.DB.Settings, Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now, Limiter: h.DB.Limiter},
			Texts:    out, Brand: func(context.Context) string { return "Atelier" }, Issuer: "https://id.example.org",
			Brands: &brand.Service{
				Store: h.DB.Brands, Default: brand.Brand{Name: "Atelier"}, Languages: []string{"de", "en", "fr"}, Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now,
				Known: func(context.Context, idp.ClientID) error { return nil },
			},
			Clients: func(context.Context) ([]Client, error) {
				return []Client{{ID: "shop", Name: "The shop"}, {ID: "wiki", Name: "Wiki", Everyone: true}}, nil
			},
			Own: &texts.Service{
				Store: h.DB.Texts, Messages: message.Choices(), Users: h.DB.Users, Outbox: h.DB.Outbox(), Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now,
				Limiter: h.DB.Limiter, Day: code.Factor{Channel: code.SMS}.Day,
			},
			Deliveries: &mail.Deliveries{Ledger: h.DB.Deliveries, Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now},
			Tokens:     &apitoken.Service{Tokens: h.DB.APITokens, Users: h.DB.Users, Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now},
		}
		return p.Sections()
	})
	return h, p, out
}

func TestSettings(t *testing.T) {
	h, p, _ := open(t)
	h.Enter(idp.HelpDesk, settingsPath).Want(http.StatusForbidden, settingsPath)
	h.Enter(idp.Auditor, settingsPath).Want(http.StatusOK, settingsPath).HasNot("form#settings button")
	v, late := h.Enter(idp.Admin, settingsPath), h.Enter(idp.Owner, settingsPath)
	v.Submit("settings", "sessions", "many").Want(http.StatusBadRequest, settingsPath).Has("input#f-sessions[aria-invalid][value=many]", "#wrong")
	v.Submit("settings", "sessions", "3", "second_approver", "yes").Want(http.StatusOK, settingsPath).Has("#done", "input#f-second_approver[checked]")
	now, err := p.Settings.House(t.Context())
	if err != nil || now != (settings.House{Assurance: idp.AAL2, SecondApprover: true, Sessions: 3}) {
		t.Errorf("%+v, %v", now, err)
	}
	// Whoever comes second is told, and loses nothing.
	late.Submit("settings", "sessions", "5").Want(http.StatusConflict, settingsPath).Has("input#f-sessions[value='5']", "#wrong")
	late.Submit("settings").Want(http.StatusOK, settingsPath)
	if now, _ := p.Settings.House(t.Context()); now.Sessions != 5 {
		t.Errorf("%+v", now)
	}
}

// P-29: applications register themselves only after somebody has said so, and the
// page warns where anybody may.
func TestSelfClients(t *testing.T) {
	h, p, _ := open(t)
	v := h.Enter(idp.Admin, settingsPath).Has("#f-self_clients option[value=off][selected]").HasNot("#self-open")
	v.Submit("settings", "self_clients", "everybody").Want(http.StatusBadRequest, settingsPath)
	v.Get(settingsPath).Submit("settings", "self_clients_most", "0x").Want(http.StatusBadRequest, settingsPath).Has("#e-self_clients_most")
	v.Get(settingsPath).Submit("settings", "self_clients", "token", "self_clients_most", "7").Want(http.StatusOK, settingsPath).HasNot("#self-open")
	v.Submit("settings", "self_clients", "open").Want(http.StatusOK, settingsPath).Has("#self-open")
	if now, err := p.Settings.House(t.Context()); err != nil || now.SelfClients != settings.SelfOpen || now.MostSelfClients() != 7 {
		t.Errorf("%+v, %v", now, err)
	}
	v.Submit("settings", "self_clients", "off").Want(http.StatusOK, settingsPath)
	if now, err := p.Settings.House(t.Context()); err != nil || now.SelfClients != settings.SelfOff {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestGateways(t *testing.T) {
	h, p, out := open(t)
	v := h.Enter(idp.Admin, gatewaysPath).Want(http.StatusOK, gatewaysPath).Has(".empty")
	v.Follow("a[href$='type=twilio']").Want(http.StatusOK, gatewaysPath+"/new")
	account := "AC" + strings.Repeat("0a", 16)
	v.Submit("gateway", "v.account", "wrong", "v.token", "hush").Want(http.StatusBadRequest, gatewaysPath)
	v.Has("[name='v.account'][aria-invalid][value=wrong]", "[name='v.from'][aria-invalid]").HasNot("[name='v.token'][value]")
	v.Submit("gateway", "name", "Main", "v.account", account, "v.token", "hush-hush", "v.from", "+15005550006", "prefixes", "+33, +32").Want(http.StatusOK, gatewaysPath).Has("#done")
	v.Follow("th a").Has("[name='prefixes'][value='+33 +32']", "[name='v.token'][aria-describedby]").HasNot("[name='v.token'][value]")
	if strings.Contains(string(v.Body), "hush") {
		t.Error("the page shows a secret") // D-06
	}
	v.Submit("gateway", "v.from", "+15005550007", "off", "yes").Want(http.StatusOK, gatewaysPath).Has(".chip:not(.chip-good)")
	all, _, err := p.Settings.Gateways(t.Context())
	if err != nil || len(all) != 1 || all[0].Values["token"] != "hush-hush" || all[0].Values["from"] != "+15005550007" || !all[0].Off {
		t.Errorf("%+v, %v", all, err)
	}
	if a := h.Enter(idp.Auditor, gatewaysPath+"/"+all[0].ID).Want(http.StatusOK, gatewaysPath+"/"+all[0].ID); strings.Contains(string(a.Body), "hush") {
		t.Error("an auditor sees a secret")
	}
	v.Get(gatewaysPath).Submit("gateway-test", "to", "12").Want(http.StatusBadRequest, gatewaysPath+"/test").Has("#wrong", "input[name=to][value='12']")
	v.Submit("gateway-test", "to", "+33612345678").Want(http.StatusOK, gatewaysPath+"/test").Has("#done")
	if len(out.sent) != 1 || out.sent[0].To != "+33612345678" || !strings.Contains(out.sent[0].Text, "Atelier") {
		t.Errorf("%+v", out.sent)
	}
	out.fail = errors.New("gateway Main: 401")
	v.Submit("gateway-test", "to", "+33612345678").Want(http.StatusBadGateway, gatewaysPath+"/test").Has("#wrong")
	v.Get(gatewaysPath+"/"+all[0].ID).Follow("a[href$='/remove']").Submit("gateway-remove").Want(http.StatusOK, gatewaysPath).Has(".empty", "#done")
	h.Enter(idp.Admin, gatewaysPath+"/none").Want(http.StatusNotFound, gatewaysPath+"/none")
	h.Enter(idp.Admin, gatewaysPath+"/new?type=log").Want(http.StatusNotFound, gatewaysPath+"/new")
	if es := h.Events("gateway.remove"); len(es) != 1 || es[0].Actor != h.Person(idp.Admin).ID {
		t.Errorf("%+v", es)
	}
}

// Every setting of every type of gateway has a label.
func TestLabels(t *testing.T) {
	words := locale.For([]string{"en"}, "")
	for _, kind := range sms.Types() {
		_, all, _ := sms.Describe(kind)
		for _, s := range all {
			if !words.Has("admin.gateway.field." + s.Name) {
				t.Errorf("%s of %s has no label", s.Name, kind)
			}
		}
	}
	if !slices.Contains(sms.Types(), "http") {
		t.Error("nothing was looked at")
	}
}

package house

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/idp/settings"
	"latchkey/idp/texts"
	"latchkey/ui/admin"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

// Samples is these pages with sample data.
func Samples() []page.Sample {
	p := &Pages{Issuer: "https://id.example.org", Brand: func(context.Context) string { return "Maison Durée" }}
	return slices.Concat(p.settingSamples(), p.brandingSamples(), p.messageSamples(), p.tokenSamples())
}

// visiting is a visit of a section for samples.
func (p *Pages) visiting(section string) func(*page.Context) admin.Visit {
	return func(c *page.Context) admin.Visit { return admin.Sample(c, section, p.Sections()) }
}

func (p *Pages) settingSamples() []page.Sample {
	visit := p.visiting("settings")
	sample := settings.Gateway{ID: "main", Name: "Twilio", Type: "twilio", Prefixes: []string{"+1"}, Values: map[string]string{"account": "AC00000000000000000000000000000000", "token": "set", "from": "+15005550006"}}
	return []page.Sample{
		page.Drawn("settings", set, http.StatusOK, "settings.html", func(c *page.Context) any {
			h := settings.House{Assurance: idp.AAL2, Sessions: 5, SelfClients: settings.SelfOpen}
			return settingsView{visit(c).Head(c), 1, settingFields(c, h), selfFields(c, h), true, true, mailView{"mail.example.org:587", "ada@example.org"}}
		}),
		page.Drawn("registration", set, http.StatusOK, "registration.html", func(c *page.Context) any { return p.registrationSample(c, visit(c)) }),
		page.Drawn("registration-wrong", set, http.StatusBadRequest, "registration.html", func(c *page.Context) any {
			v := p.registrationSample(c, visit(c))
			v.Whom = v.Whom.Marked("allowed", c.Words.T("admin.registration.allowed_wrong"))
			v.Terms, v.Head = v.Terms.Marked("terms", c.Words.T("admin.registration.terms_wrong")), v.Refused(c.Words.T("admin.refused"), "")
			return v
		}),
		page.Drawn("gateway-kept", set, http.StatusOK, "gateway.html", func(c *page.Context) any {
			c.Forms.Refill(gatewaysPath+"/main", url.Values{"name": {"Twilio for France & Belgium"}, "prefixes": {"+33 +32"}, "off": {"yes"}}, false)
			return gateways{p}.page(c, visit(c), sample)
		}),
		page.Drawn("settings-wrong", set, http.StatusBadRequest, "settings.html", func(c *page.Context) any {
			return settingsView{
				visit(c).Head(c).Refused(c.Words.T("admin.refused"), ""), 1,
				settingFields(c, settings.House{}).Marked("sessions", c.Words.T("admin.settings.sessions_wrong", settings.MostSessions)), selfFields(c, settings.House{}), false, true, mailView{},
			}
		}),
		page.Drawn("gateways", set, http.StatusOK, "gateways.html", func(c *page.Context) any {
			return gatewaysView{
				Head: visit(c).Head(c, admin.Crumb{Title: c.Words.T("admin.nav.settings"), URL: settingsPath}), May: true,
				Rows:  []gatewayRow{{"main", "Twilio", "Twilio", "+1", false}, {"ovh", "OVH, France", "OVHcloud", "+33 +32", true}},
				Types: []gatewayRow{{ID: "twilio", Title: "Twilio"}, {ID: "http", Title: "HTTP"}},
			}
		}),
		page.Drawn("gateways-none", set, http.StatusOK, "gateways.html", func(c *page.Context) any {
			return gatewaysView{
				Head: visit(c).Head(c), May: true, Types: []gatewayRow{{ID: "twilio", Title: "Twilio"}},
				Empty: &admin.Empty{Title: c.Words.T("admin.gateway.none"), Text: c.Words.T("admin.gateway.none_text")},
			}
		}),
		page.Drawn("gateway", set, http.StatusOK, "gateway.html", func(c *page.Context) any { return gateways{p}.page(c, visit(c), sample) }),
		page.Drawn("gateway-remove", set, http.StatusOK, "sure.html", func(c *page.Context) any {
			return sureView{visit(c).Head(c), admin.Confirm{
				ID: "gateway-remove", Title: c.Words.T("admin.gateway.remove_title", "Twilio"), Text: []string{c.Words.T("admin.gateway.remove_text")},
				Action: "/", Button: c.Words.T("admin.remove"), Danger: true, Cancel: "/",
			}}
		}),
	}
}

func (p *Pages) brandingSamples() []page.Sample {
	visit := p.visiting("branding")
	languages := []string{"de", "en", "fr"}
	drawn := func(c *page.Context, b brand.Brand) brandingView {
		view := brandingView{
			Head: visit(c).Head(c), Title: c.Words.T("admin.nav.branding"), At: addressOf(""), May: true, Set: true, Form: formOf(c, b, languages), Logos: logoFields(c, brand.Brand{}),
			Others: []otherBrand{{"Shop", "shop", addressOf("shop")}}, Choices: []Client{{ID: "wiki", Name: "Wiki"}},
		}
		if _, warnings, err := brand.Check(b, languages); err == nil {
			view.Form.warn(c, warnings)
		} else {
			view.Form.mark(c, b, err)
			view.Head, b.Colours = view.Refused(c.Words.T("admin.refused"), ""), brand.Colours{}
		}
		view.Preview, view.Both = previewOf(c, b), page.Both(b.Colours)
		return view
	}
	good := brand.Brand{
		Name: "Maison Durée", Colours: brand.Colours{Primary: "#00665e", Accent: "#f0c36a"}, SignIn: brand.Words{"en": "For staff and customers.", "fr": "Pour le personnel et les clients."},
		Support: brand.Words{"en": "Call 1234"}, Legal: []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/privacy"}, {Label: "Accessibility", URL: "https://example.org/a11y"}},
	}
	pale, wrong := good, good
	pale.Colours = brand.Colours{Primary: "#ffe9a8", PrimaryDark: "#332211"}
	wrong.Colours, wrong.Legal = brand.Colours{Primary: "red"}, []brand.Link{{Kind: brand.Terms, URL: "javascript:1"}, {Label: "", URL: "https://example.org"}}
	sample := func(name string, status int, b brand.Brand) page.Sample {
		return page.Drawn(name, set, status, "branding.html", func(c *page.Context) any { return drawn(c, b) })
	}
	return []page.Sample{
		sample("branding", http.StatusOK, good), sample("branding-pale", http.StatusOK, pale), sample("branding-wrong", http.StatusBadRequest, wrong),
		page.Drawn("branding-client", set, http.StatusOK, "branding.html", func(c *page.Context) any {
			view := drawn(c, good)
			view.Client, view.Title, view.At = true, "Shop", addressOf("shop")
			return view
		}),
	}
}

func (p *Pages) messageSamples() []page.Sample {
	visit := p.visiting("messages")
	own := texts.Own{Message: "code", Language: "en", Version: 2, Texts: map[string]string{"subject": "{brand}: here is your code", "next": "Keep it to yourself."}}
	text := func(c *page.Context, name string, own texts.Own) textView {
		i := slices.IndexFunc(message.Kinds(), func(k message.Kind) bool { return k.Name == name })
		k := message.Kinds()[i]
		own.Message = name
		view := textPage{p}.view(c, visit(c), k, own)
		all, err := (&Pages{Issuer: p.Issuer, Brand: p.Brand, Own: &texts.Service{Store: nowhere{}}}).samples(c, k, own)
		for i := range all {
			view.Drawn = append(view.Drawn, drawnOf(c, k.Samples[i], all[i]))
		}
		if view.To = "ada@example.org"; err != nil {
			view.Head = view.Refused(err.Error(), "")
		}
		return view
	}
	log := func(c *page.Context) []mail.Delivery {
		now := c.Now()
		return []mail.Delivery{
			{ID: "a", Channel: mail.Mail, To: "camille.durand@example.com", Created: now, Due: now, Tries: 0},
			{ID: "b", Channel: mail.SMS, To: "+33612345678", Created: now, Sent: now, Tries: 1, HandledBy: "Twilio", Receipt: "SM1234567890abcdef"},
			{ID: "c", Channel: mail.Mail, To: "robin@example.net", Created: now, Tries: 9, Failure: "550 5.1.1 no such user here", Kept: true},
			{ID: "d", Channel: mail.Logout, To: "wiki", Created: now, Due: now.Add(time.Minute), Tries: 2, Failure: "503 Service Unavailable"},
		}
	}
	return []page.Sample{
		page.Drawn("messages", set, http.StatusOK, "messages.html", func(c *page.Context) any {
			return kindsView{visit(c).Head(c), kindRows(c, []texts.Own{own})}
		}),
		page.Drawn("message", set, http.StatusOK, "message.html", func(c *page.Context) any {
			k := message.Kinds()[1]
			return kindView{Head: visit(c).Head(c, messagesCrumb(c)), Title: k.Title(c.Words), In: []saidIn{inLanguage(c, k, "en", own.Texts), inLanguage(c, k, "fr", nil)}}
		}),
		page.Drawn("text", set, http.StatusOK, "text.html", func(c *page.Context) any { return text(c, "code", own) }),
		page.Drawn("text-sms", set, http.StatusOK, "text.html", func(c *page.Context) any { return text(c, "sms_code", texts.Own{Language: "fr"}) }),
		page.Drawn("text-wrong", set, http.StatusBadRequest, "text.html", func(c *page.Context) any {
			view := text(c, "code", own)
			view.Head, view.Parts[0].Error = view.Refused(c.Words.T("admin.refused"), ""), mistakeText(c, texts.Mistake{Reason: texts.Lacks, Placeholder: "{brand}", Allowed: []string{"{brand}"}})
			return view
		}),
		page.Drawn("log", set, http.StatusOK, "log.html", func(c *page.Context) any {
			return logViewOf(c, visit(c), mail.DeliveryQuery{Channel: mail.Mail}, log(c))
		}),
		page.Drawn("log-none", set, http.StatusOK, "log.html", func(c *page.Context) any {
			return logViewOf(c, visit(c), mail.DeliveryQuery{}, nil)
		}),
		page.Drawn("log-again", set, http.StatusOK, "sure.html", func(c *page.Context) any {
			return sureView{visit(c).Head(c, messagesCrumb(c), logCrumb(c)), againConfirm(c, log(c)[2])}
		}),
	}
}

// nowhere is a store of texts that has none.
type nowhere struct{ texts.Store }

func (nowhere) Own(context.Context, string, string) (texts.Own, error) { return texts.Own{}, nil }

func (p *Pages) tokenSamples() []page.Sample {
	visit := p.visiting("tokens")
	all := func(c *page.Context) []apitoken.Held {
		now, u := c.Now(), idp.User{ID: "sample", Name: "Ada King"}
		return []apitoken.Held{
			{Token: apitoken.Token{ID: "abc234", Name: "Backup of the directory", Owner: u.ID, Scopes: []idp.Right{idp.SeeAudit, idp.SeePeople}, Created: now, Expires: now.Add(apitoken.DefaultLife), Used: now}, By: u},
			{Token: apitoken.Token{ID: "def567", Name: "Old script", Owner: u.ID, Scopes: []idp.Right{idp.EditPeople}, Expires: now}, By: u},
		}
	}
	return []page.Sample{
		page.Drawn("tokens", set, http.StatusOK, "tokens.html", func(c *page.Context) any {
			return tokensView{Head: visit(c).Head(c), Rows: tokenRows(c, all(c)), Secret: &admin.Secret{Label: c.Words.T("admin.tokens.made", "Backup"), Value: "lka_SAMPLESAMPLESAMPLESAMPLESAMPLESAMPLESAMPLESAMPLESAM00000000", Help: c.Words.T("admin.tokens.once")}}
		}),
		page.Drawn("token", set, http.StatusBadRequest, "token.html", func(c *page.Context) any {
			view := tokens{p}.form(c, visit(c))
			view.Head, view.ScopeError = view.Refused(c.Words.T("admin.refused"), ""), c.Words.T("admin.tokens.wrong_scopes")
			view.Fields = view.Fields.Marked("name", c.Words.T("admin.tokens.wrong_name"))
			return view
		}),
		page.Drawn("token-revoke", set, http.StatusOK, "sure.html", func(c *page.Context) any {
			return sureView{visit(c).Head(c), revokeConfirm(c, all(c)[0])}
		}),
	}
}

// registrationSample is a house in which people make their own accounts.
func (p *Pages) registrationSample(c *page.Context, v admin.Visit) registrationView {
	some := *p
	some.Clients = func(context.Context) ([]Client, error) {
		return []Client{{ID: "shop", Name: "Atelier Martin"}, {ID: "wiki", Name: "Wiki", Everyone: true}}, nil
	}
	is := settings.Registration{
		Open: true, Refused: []string{"mailinator.com"}, Groups: []string{"Customers"}, Clients: []idp.ClientID{"shop"},
		Terms: "https://www.example.org/terms", Privacy: "https://www.example.org/privacy",
	}
	out, _ := registration{&some}.view(c, v, is, 3) // its clients cannot fail
	return out
}

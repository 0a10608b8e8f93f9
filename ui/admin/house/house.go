// Package house draws the part of the administration that is about the house
// itself: messages, branding, settings with the gateways for text messages, and
// the tokens of the API.
//
// It decides nothing: the use cases of idp/texts, idp/mail, idp/brand,
// idp/settings and idp/apitoken do.
package house

import (
	"context"
	"embed"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/idp/picture"
	"latchkey/idp/settings"
	"latchkey/idp/texts"
	"latchkey/mfa/sms"
	"latchkey/ui/admin"
)

//go:embed *.html
var files embed.FS

var set = admin.Parse(files)

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Settings *settings.Service
	Texts    Texts
	Brands   *brand.Service
	// Clients lists the applications that may have looks of their own, and on the
	// way to which people may make accounts.
	Clients    func(context.Context) ([]Client, error)
	Own        *texts.Service
	Deliveries *mail.Deliveries
	Tokens     *apitoken.Service
	Mail       Mail   // nil: the configuration names no mail server
	MailServer string // its name
	Issuer     string
	// Brand is the name of the house, for test messages.
	Brand func(context.Context) string
}

// Client is an application as a choice.
type Client struct {
	ID       idp.ClientID
	Name     string
	Everyone bool // it is enabled and names no groups, so whoever has an account gets in
}

// Texts sends text messages by the gateways in force.
type Texts interface {
	Send(ctx context.Context, m sms.Message) (sms.Receipt, error)
	Probe(ctx context.Context) ([]sms.Probe, error)
}

// Mail hands a mail over at once, to see whether the server takes it.
type Mail interface {
	Hand(ctx context.Context, m mail.Message) (mail.Receipt, error)
}

// group is where the entries of this part stand in the navigation.
const group = "house"

// Sections lists the parts, in the order of the navigation.
func (p *Pages) Sections() []admin.Section {
	return []admin.Section{p.messages(), p.branding(), p.settings(), p.tokens()}
}

// Addresses of messages.
const (
	messagesPath = admin.Home + "/messages"
	kindPath     = messagesPath + "/texts/:message"
	textPath     = kindPath + "/:language"
	logPath      = messagesPath + "/log"
	againPath    = logPath + "/:id/again"
)

func (p *Pages) messages() admin.Section {
	m, t, l := kindsPage{p}, textPage{p}, deliveryLog{p}
	return admin.Section{Name: "messages", Path: messagesPath, Right: idp.SeeHouse, Group: group, Routes: []admin.Route{
		admin.Get(messagesPath, idp.SeeHouse, m.list),
		admin.Get(kindPath, idp.SeeHouse, m.one),
		admin.Get(textPath, idp.SeeHouse, t.show),
		admin.Post(textPath, idp.EditHouse, textPath, t.change).Guarded(),
		admin.Post(textPath+"/preview", idp.EditHouse, textPath, t.preview),
		admin.Get(textPath+"/html", idp.SeeHouse, t.html),
		admin.Post(textPath+"/html", idp.EditHouse, textPath, t.html),
		admin.Post(textPath+"/test", idp.EditHouse, textPath, t.test).Guarded(),
		admin.Get(textPath+"/reset", idp.EditHouse, t.sure),
		admin.Post(textPath+"/reset", idp.EditHouse, textPath+"/reset", t.reset).Guarded(),
		admin.Get(logPath, idp.SeeHouse, l.list),
		admin.Get(againPath, idp.EditHouse, l.sure),
		admin.Post(againPath, idp.EditHouse, againPath, l.again).Guarded(),
	}}
}

// Addresses of branding. The client - is the house.
const (
	brandingPath = admin.Home + "/branding"
	brandPath    = brandingPath + "/:client"
	theHouse     = "-"
)

func (p *Pages) branding() admin.Section {
	b := branding{p}
	logo := admin.Post(brandPath+"/logo", idp.EditHouse, brandPath, b.logo).Guarded()
	logo.Upload = picture.MostBytes
	return admin.Section{Name: "branding", Path: brandingPath, Right: idp.SeeHouse, Group: group, Routes: []admin.Route{
		admin.Get(brandingPath, idp.SeeHouse, b.show),
		admin.Get(brandPath, idp.SeeHouse, b.show),
		admin.Post(brandPath, idp.EditHouse, brandPath, b.change).Guarded(),
		admin.Post(brandPath+"/preview", idp.EditHouse, brandPath, b.preview),
		logo,
		admin.Get(brandPath+"/reset", idp.EditHouse, b.sure),
		admin.Post(brandPath+"/reset", idp.EditHouse, brandPath+"/reset", b.reset).Guarded(),
	}}
}

// Addresses of the settings.
const (
	settingsPath     = admin.Home + "/settings"
	registrationPath = settingsPath + "/registration"
	gatewaysPath     = settingsPath + "/gateways"
	gatewayPath      = gatewaysPath + "/:gateway"
)

func (p *Pages) settings() admin.Section {
	s, g, r := setting{p}, gateways{p}, registration{p}
	add := admin.Post(gatewaysPath, idp.EditHouse, "", g.put).Guarded()
	add.Back = g.blank
	return admin.Section{Name: "settings", Path: settingsPath, Right: idp.SeeHouse, Group: group, Routes: []admin.Route{
		admin.Get(settingsPath, idp.SeeHouse, s.show),
		admin.Post(settingsPath, idp.EditHouse, settingsPath, s.change).Guarded(),
		admin.Post(settingsPath+"/mail", idp.EditHouse, settingsPath, s.mail).Guarded(),
		admin.Get(registrationPath, idp.SeeHouse, r.show),
		admin.Post(registrationPath, idp.EditHouse, registrationPath, r.change).Guarded(),
		admin.Get(gatewaysPath, idp.SeeHouse, g.list),
		admin.Get(gatewaysPath+"/new", idp.EditHouse, g.add).Guarded(),
		add,
		admin.Post(gatewaysPath+"/test", idp.EditHouse, gatewaysPath, g.test).Guarded(),
		admin.Get(gatewayPath, idp.SeeHouse, g.edit),
		admin.Post(gatewayPath, idp.EditHouse, gatewayPath, g.put).Guarded(),
		admin.Post(gatewayPath+"/first", idp.EditHouse, gatewaysPath, g.first).Guarded(),
		admin.Get(gatewayPath+"/remove", idp.EditHouse, g.sure),
		admin.Post(gatewayPath+"/remove", idp.EditHouse, gatewayPath+"/remove", g.remove).Guarded(),
	}}
}

// Addresses of tokens.
const (
	tokensPath = admin.Home + "/tokens"
	revokePath = tokensPath + "/:token/revoke"
)

func (p *Pages) tokens() admin.Section {
	t := tokens{p}
	return admin.Section{Name: "tokens", Path: tokensPath, Right: idp.MakeTokens, Group: group, Routes: []admin.Route{
		admin.Get(tokensPath, idp.MakeTokens, t.list),
		admin.Get(tokensPath+"/new", idp.MakeTokens, t.add).Guarded(),
		admin.Post(tokensPath, idp.MakeTokens, tokensPath+"/new", t.make).Guarded(),
		admin.Get(revokePath, idp.MakeTokens, t.sure),
		admin.Post(revokePath, idp.MakeTokens, revokePath, t.revoke).Guarded(),
	}}
}

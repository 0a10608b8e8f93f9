// Package house draws the part of the administration that is about the house
// itself: the first steps, messages, branding, settings and the gateways for
// text messages.
//
// It decides nothing: the use cases of idp/settings, idp/brand and ui/message
// do.
package house

import (
	"context"
	"embed"

	"latchkey/idp"
	"latchkey/idp/settings"
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
	// Brand is the name of the house, for test messages.
	Brand func(context.Context) string
}

// Texts sends text messages by the gateways in force.
type Texts interface {
	Send(ctx context.Context, m sms.Message) (sms.Receipt, error)
	Probe(ctx context.Context) ([]sms.Probe, error)
}

// group is where the entries of this part stand in the navigation.
const group = "house"

// Sections lists the parts, in the order of the navigation.
func (p *Pages) Sections() []admin.Section {
	return []admin.Section{p.settings()}
}

// Addresses of the settings.
const (
	settingsPath = admin.Home + "/settings"
	gatewaysPath = settingsPath + "/gateways"
	gatewayPath  = gatewaysPath + "/:gateway"
)

func (p *Pages) settings() admin.Section {
	s, g := setting{p}, gateways{p}
	return admin.Section{Name: "settings", Path: settingsPath, Right: idp.SeeHouse, Group: group, Routes: []admin.Route{
		admin.Get(settingsPath, idp.SeeHouse, s.show),
		admin.Post(settingsPath, idp.EditHouse, settingsPath, s.change).Guarded(),
		admin.Get(gatewaysPath, idp.SeeHouse, g.list),
		admin.Get(gatewaysPath+"/new", idp.EditHouse, g.add),
		admin.Post(gatewaysPath, idp.EditHouse, gatewaysPath, g.put).Guarded(),
		admin.Post(gatewaysPath+"/test", idp.EditHouse, gatewaysPath, g.test).Guarded(),
		admin.Get(gatewayPath, idp.SeeHouse, g.edit),
		admin.Post(gatewayPath, idp.EditHouse, gatewayPath, g.put).Guarded(),
		admin.Post(gatewayPath+"/first", idp.EditHouse, gatewaysPath, g.first).Guarded(),
		admin.Get(gatewayPath+"/remove", idp.EditHouse, g.sure),
		admin.Post(gatewayPath+"/remove", idp.EditHouse, gatewayPath+"/remove", g.remove).Guarded(),
	}}
}

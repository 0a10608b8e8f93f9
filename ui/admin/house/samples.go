package house

import (
	"net/http"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// Samples is these pages with sample data.
func Samples() []page.Sample {
	p := &Pages{}
	visit := func(c *page.Context) admin.Visit { return admin.Sample(c, "settings", p.Sections()) }
	sample := settings.Gateway{ID: "main", Name: "Twilio", Type: "twilio", Prefixes: []string{"+1"}, Values: map[string]string{"account": "AC00000000000000000000000000000000", "token": "set", "from": "+15005550006"}}
	return []page.Sample{
		page.Drawn("settings", set, http.StatusOK, "settings.html", func(c *page.Context) any {
			return settingsView{visit(c).Head(c), 1, settingFields(c, settings.House{Assurance: idp.AAL2, Sessions: 5}), true}
		}),
		page.Drawn("settings-wrong", set, http.StatusBadRequest, "settings.html", func(c *page.Context) any {
			return settingsView{
				visit(c).Head(c).Refused(c.Words.T("admin.refused"), ""), 1,
				settingFields(c, settings.House{}).Marked("sessions", c.Words.T("admin.settings.sessions_wrong", settings.MostSessions)), true,
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

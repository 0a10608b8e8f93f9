package message

import (
	"strings"

	"latchkey/ui/locale"
)

// Browsers and systems by what their User-Agent holds. Most pretend to be
// several others, so the order counts: the first match is the honest part.
var (
	browsers = []struct{ mark, name string }{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Opera", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"YaBrowser", "Yandex"},
		{"Vivaldi", "Vivaldi"}, {"Firefox", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome", "Chrome"},
		{"Chromium", "Chromium"}, {"Safari", "Safari"}, {"curl/", "curl"},
	}
	systems = []struct{ mark, name string }{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// browser says in words what a User-Agent names. Nothing of the header itself
// comes through: whoever sends it could write to somebody else in our name
// (SECURITY.md E-11).
func browser(p locale.Printer, agent string) string {
	var name, system string
	for _, b := range browsers {
		if strings.Contains(agent, b.mark) {
			name = b.name
			break
		}
	}
	for _, s := range systems {
		if strings.Contains(agent, s.mark) {
			system = s.name
			break
		}
	}
	switch {
	case name != "" && system != "":
		return p.T("mail.browser_on", name, system)
	case name != "":
		return name
	case system != "":
		return system
	}
	return p.T("mail.browser_unknown")
}

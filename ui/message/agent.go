package message

import "latchkey/ui/locale"

// Browser says in words what a User-Agent names, for mails and pages alike.
func Browser(p locale.Printer, agent string) string { return browser(p, agent) }

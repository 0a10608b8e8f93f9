package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/ui/admin"
	"latchkey/ui/api"
)

// inAPI says by which operations a program does what a route of the
// administration does. Where there is none, the reason stands in brackets.
var inAPI = map[string]string{
	"GET /admin": "get-figures", "POST /admin/audit/chain/verify": "verify-log", "POST /admin/audit/export": "export-log",
	"GET /admin/audit": "search-log", "GET /admin/audit/chain": "get-log-status list-checkpoints", "GET /admin/audit/events/:event": "get-event",

	"GET /admin/branding": "get-brand list-brands", "POST /admin/branding/:client": "replace-brand replace-client-brand",
	"POST /admin/branding/:client/logo":    "set-logo remove-logo set-client-logo remove-client-logo",
	"POST /admin/branding/:client/preview": "check-brand", "POST /admin/branding/:client/reset": "reset-brand reset-client-brand",

	"GET /admin/clients": "list-clients", "GET /admin/clients/:client": "get-client get-client-usage",
	"GET /admin/clients/:client/code": "(lines to copy into a program: for people)", "GET /admin/clients/new": "(a page that offers the types)",
	"POST /admin/clients/:client/disable": "disable-client", "POST /admin/clients/:client/edit": "update-client", "POST /admin/clients/:client/enable": "enable-client",
	"POST /admin/clients/:client/end": "end-former", "POST /admin/clients/:client/remove": "delete-client", "POST /admin/clients/:client/rotate": "rotate-client",
	"POST /admin/clients/:client/test": "test-client", "POST /admin/clients/new/:type": "create-client",

	"POST /admin/companies": "create-company", "GET /admin/companies": "list-companies", "GET /admin/companies/:company": "get-company list-company-members",
	"POST /admin/companies/:company/people/:member/lead": "put-company-member", "POST /admin/companies/:company/people/:member/take": "remove-company-member",
	"POST /admin/companies/:company/put": "put-company-member", "POST /admin/companies/:company/remove": "delete-company", "POST /admin/companies/:company/rename": "rename-company",

	"GET /admin/groups": "list-groups", "POST /admin/groups": "create-group", "GET /admin/groups/:group": "get-group list-members", "POST /admin/groups/:group/join": "add-member",
	"POST /admin/groups/:group/leave": "remove-member", "POST /admin/groups/:group/remove": "delete-group", "POST /admin/groups/:group/rename": "rename-group",

	"GET /admin/keys": "list-keys", "POST /admin/keys/revoke/:key": "revoke-key", "POST /admin/keys/rotate": "rotate-keys",

	"GET /admin/messages": "list-messages", "GET /admin/messages/log": "list-deliveries", "POST /admin/messages/log/:id/again": "send-again",
	"GET /admin/messages/texts/:message": "get-message-texts", "POST /admin/messages/texts/:message/:language": "replace-message-texts",
	"POST /admin/messages/texts/:message/:language/html": "preview-message", "POST /admin/messages/texts/:message/:language/preview": "preview-message",
	"POST /admin/messages/texts/:message/:language/reset": "reset-message-texts", "POST /admin/messages/texts/:message/:language/test": "test-message",

	"GET /admin/odoo": "list-connections", "GET /admin/odoo/:connection": "get-connection get-sync list-cases list-odoo-work",
	"GET /admin/odoo/:connection/log": "list-sync-runs", "GET /admin/odoo/job/:job": "get-odoo-work", "POST /admin/odoo/:connection/case": "close-case",
	"POST /admin/odoo/:connection/cure": "examine-odoo", "POST /admin/odoo/:connection/disconnect": "disconnect-odoo", "POST /admin/odoo/:connection/doctor": "examine-odoo",
	"POST /admin/odoo/:connection/end": "(end-sessions of a person)", "POST /admin/odoo/:connection/import": "bring-people",
	"POST /admin/odoo/:connection/link": "link-people", "POST /admin/odoo/:connection/lock": "lock-odoo", "POST /admin/odoo/:connection/portal": "get-portal install-portal remove-portal",
	"POST /admin/odoo/:connection/settings": "update-connection", "POST /admin/odoo/:connection/sync": "run-sync", "POST /admin/odoo/:connection/unlock": "unlock-odoo",
	"POST /admin/odoo/connect": "find-databases", "POST /admin/odoo/connect/do": "connect-odoo", "POST /admin/odoo/connect/look": "connect-odoo",

	"GET /admin/policies": "list-policies get-coverage list-removed-policies list-policy-templates", "GET /admin/policies/:policy": "get-policy",
	"GET /admin/policies/:policy/history": "list-policy-versions compare-policy-versions", "GET /admin/policies/:policy/history/:version": "get-policy-version",
	"GET /admin/policies/:policy/preview.csv": "list-blocked", "GET /admin/policies/what-if": "ask-what-if", "POST /admin/policies/:policy/drop": "drop-draft",
	"POST /admin/policies/:policy/edit": "save-draft", "POST /admin/policies/:policy/exempt": "exempt-from-policy", "POST /admin/policies/:policy/history/:version/rollback": "roll-policy-back",
	"POST /admin/policies/:policy/preview": "preview-policy preview-policy-again", "POST /admin/policies/:policy/publish": "publish-policy",
	"POST /admin/policies/:policy/rebase": "rebase-draft", "POST /admin/policies/:policy/remove": "remove-policy", "POST /admin/policies/:policy/switch": "enable-policy disable-policy",
	"POST /admin/policies/count": "count-coverage", "POST /admin/policies/new": "create-policy",

	"GET /admin/reports": "(a page that leads to the reports)", "GET /admin/reports/evidence": "make-evidence-report", "GET /admin/reports/evidence.csv": "make-evidence-report",

	"POST /admin/settings": "replace-settings", "GET /admin/settings/registration": "get-registration", "POST /admin/settings/registration": "replace-registration", "POST /admin/settings/gateways": "create-gateway", "POST /admin/settings/gateways/:gateway": "replace-gateway",
	"POST /admin/settings/gateways/:gateway/first": "prefer-gateway", "POST /admin/settings/gateways/:gateway/remove": "delete-gateway", "POST /admin/settings/gateways/test": "test-gateways",
	"GET /admin/settings/gateways/new": "list-gateway-types", "POST /admin/settings/mail": "test-mail",

	"POST /admin/tokens": "(a token makes no token)", "POST /admin/tokens/:token/revoke": "revoke-token", "GET /admin/tokens/new": "(a token makes no token)",

	"GET /admin/users": "list-users", "GET /admin/users/:user": "get-user get-user-card list-user-companies", "POST /admin/users/:user/data": "export-user-data",
	"POST /admin/users/:user/disable": "disable-user", "POST /admin/users/:user/edit": "update-user", "POST /admin/users/:user/enable": "enable-user", "POST /admin/users/:user/end": "end-sessions",
	"POST /admin/users/:user/enrol": "send-enrol-link", "POST /admin/users/:user/groups": "add-member remove-member", "POST /admin/users/:user/invite": "invite-user",
	"POST /admin/users/:user/merge": "merge-users", "POST /admin/users/:user/remove": "delete-user", "POST /admin/users/:user/reset": "reset-factors",
	"POST /admin/users/:user/role":            "(update-user, which asks for roles:write where it gives one)",
	"GET /admin/users/:user/security":         "list-factors list-devices list-sessions",
	"GET /admin/users/:user/security/devices": "list-devices", "GET /admin/users/:user/security/history": "list-history",
	"GET /admin/users/:user/security/passkeys": "list-factors", "GET /admin/users/:user/security/phones": "list-factors", "GET /admin/users/:user/security/sessions": "list-sessions",
	"GET /admin/users/:user/security/totp": "list-factors", "POST /admin/users/:user/security/devices/forget": "forget-device",
	"POST /admin/users/:user/security/devices/forget-all": "forget-devices", "POST /admin/users/:user/security/factors/remove": "remove-factor",
	"POST /admin/users/:user/security/factors/rename": "rename-factor", "POST /admin/users/:user/security/sessions/end": "end-session",
	"POST /admin/users/:user/security/sessions/end-others": "end-sessions", "POST /admin/users/:user/temporary": "give-temporary-code request-temporary-code",
	"POST /admin/users/:user/unlock": "unlock-user", "POST /admin/users/:user/void": "void-temporary-code",

	"GET /admin/users/approvals": "list-approvals get-approval", "POST /admin/users/approvals/:request/allow": "(a second person is signed in: a token is nobody's word)",
	"POST /admin/users/approvals/:request/refuse": "refuse-approval", "POST /admin/users/approvals/:request/take": "take-approved-code",
	"POST /admin/users/bulk": "prepare-bulk", "GET /admin/users/bulk/:batch": "get-bulk list-bulk-people", "POST /admin/users/bulk/:batch/start": "start-bulk",
	"POST /admin/users/export": "export-users", "POST /admin/users/import": "begin-import", "GET /admin/users/import/:batch": "get-import",
	"GET /admin/users/import/:batch/refused": "list-refused-rows", "POST /admin/users/import/:batch/check": "check-import", "POST /admin/users/import/:batch/start": "start-import",
	"POST /admin/users/new": "create-user",
}

var reason = regexp.MustCompile(`^\(.+\)$`)

// Issue 6.9: programs can do what people can. A new route of the administration
// without an operation fails, and so does an operation that asks for less than
// the page (D-01).
func TestEverythingIsInTheAPI(t *testing.T) {
	w := newWorld(t, "sqlite")
	ops := map[string]api.Route{}
	for _, r := range w.api().Routes() {
		ops[r.ID] = r
	}
	all := routesOf(w)
	there := map[string]bool{}
	for _, r := range all {
		at := r.Method + " " + r.Path
		there[at] = true
		by, listed := inAPI[at]
		if !listed && asksOnly(r, all) {
			continue
		}
		if by == "" {
			t.Errorf("%s: no operation does it for programs; name it in inAPI", at)
			continue
		}
		if reason.MatchString(by) {
			continue
		}
		for id := range strings.FieldsSeq(by) {
			op, known := ops[id]
			if !known {
				t.Errorf("%s: there is no operation %s", at, id)
			} else if r.Method == http.MethodPost && !implies(op.Right, r.Right) {
				t.Errorf("%s takes %s, and %s only %s", at, r.Right, id, op.Right)
			}
		}
	}
	for at := range inAPI {
		if !there[at] {
			t.Errorf("there is no route %s any more", at)
		}
	}
}

// asksOnly reports whether a page is the form of what a POST does.
func asksOnly(r admin.Route, all []admin.Route) bool {
	return r.Method == http.MethodGet && slices.ContainsFunc(all, func(o admin.Route) bool { return o.Method == http.MethodPost && o.Path == r.Path })
}

package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors lists the packages from the ground up. A package may import only
// packages on lines above its own, so neighbours on one line do not know each
// other and no cycle can exist. Changing the order is a decision, not a fix.
const floors = `
	config  migrations

	mfa
	mfa/word
	mfa/totp  mfa/code  mfa/backup  mfa/passkey  mfa/temporary  mfa/sms  mfa/trust  mfa/policy  mfa/factortest

	idp
	idp/sheet  idp/trace
	idp/trace/otlp  idp/trace/tracetest
	idp/password  idp/picture  idp/mail  idp/audit  idp/keyring  idp/job  idp/apitoken  idp/replay  idp/provision  idp/settings  idp/figures  idp/place  idp/power
	idp/audit/forward  idp/account  idp/signin  idp/oidc  idp/posture  idp/brand  idp/evidence  idp/texts
	idp/odoo  idp/security  idp/export  idp/odoo/rpc  idp/rulebook  idp/company  idp/register
	idp/odoo/connector  idp/odoo/odootest
	idp/people

	idp/store
	idp/store/memory  idp/store/redis
	idp/store/storetest

	ui/locale  ui/assets
	ui/odoowords
	ui/message  ui/page
	ui/signin  ui/page/pagetest  ui/api/gate
	ui/security  ui/profile  ui/company  ui/admin  ui/protocol  ui/demo  ui/dev  ui/api  ui/api/scim

	ui/admin/chart  ui/admin/admintest
	ui/admin/people  ui/admin/companies  ui/admin/rules  ui/admin/apps  ui/admin/odoo  ui/admin/overview  ui/admin/records  ui/admin/house

	cmd/latchkey
`

// owners says which packages may know a library, here or below.
var owners = map[string][]string{
	"github.com/gin-gonic/gin":        {"ui", "cmd"},
	"gorm.io":                         {"idp/store"},
	"database/sql":                    {"idp/store", "migrations"},
	"github.com/jackc/pgx":            {"idp/store", "idp/odoo/connector", "idp/odoo/odootest"}, // the latter two read another program's tables
	"github.com/ory/fosite":           {"idp/oidc"},
	"github.com/go-webauthn":          {"mfa/passkey"},
	"github.com/pquerna/otp":          {"mfa/totp"},
	"github.com/nyaruka/phonenumbers": {"mfa/code", "idp"},
	"github.com/redis/go-redis":       {"idp/store/redis", "cmd"},
	"html/template":                   {"ui"},
	"net/http":                        {"ui", "idp/oidc", "idp/odoo", "idp/audit/forward", "idp/trace", "mfa/sms", "cmd"},
	"github.com/oschwald":             {"idp/place"},
	"golang.org/x/image":              {"idp/picture"},
	"net/smtp":                        {"idp/mail"},
	"github.com/wneessen/go-mail":     {"idp/mail"},
	"go.opentelemetry.io":             {"idp/trace"},
	"testing":                         {"mfa/factortest", "idp/store/storetest", "ui/page/pagetest", "ui/admin/admintest", "idp/odoo/odootest", "idp/trace/tracetest"},
	"github.com/pressly/goose":        {"migrations"},
	"github.com/spf13/cobra":          {"cmd"},
	"github.com/danielgtaylor/huma":   {"ui/api"},
	"github.com/scim2":                {"ui/api/scim"},
	"github.com/tink-crypto":          {"idp/keyring"},
	"latchkey/idp/store":              {"idp/store", "ui/admin/admintest", "cmd"}, // domain and pages see interfaces
	"latchkey/ui/page/pagetest":       {"ui/page/pagetest", "ui/admin/admintest"}, // tests only: it brings a browser's driver and axe-core along
}

func TestFloors(t *testing.T) {
	eachFile(t, func(dir string, _ *token.FileSet, f *ast.File) {
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			check(t, dir, path)
		}
	})
}

func check(t *testing.T, pkg, imported string) {
	if floor(pkg) < 0 {
		t.Errorf("%s has no floor", pkg)
	}
	if inner, ok := strings.CutPrefix(imported, "latchkey/"); ok && floor(inner) >= floor(pkg) {
		t.Errorf("%s may not import %s", pkg, inner)
	}
	for library, may := range owners {
		if under(imported, library) && !slices.ContainsFunc(may, func(m string) bool { return under(pkg, m) }) {
			t.Errorf("%s may not know %s", pkg, imported)
		}
	}
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// floor is the line on which a package stands, or -1.
func floor(pkg string) int {
	return slices.IndexFunc(strings.Split(floors, "\n"), func(line string) bool {
		return slices.Contains(strings.Fields(line), pkg)
	})
}

package connector

import (
	"context"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"latchkey/idp"
)

// Person is a user of an Odoo as a [Source] reads them.
type Person struct {
	ID                 int64 // res.users id; 0: the source does not know
	Login, Name, Email string
	Phone, Mobile      string
	Lang, Zone         string // such as fr_FR, and Europe/Paris
	Country, Company   string // ISO 3166-1 alpha-2, and a name
	Customer           Customer
	Active             bool
	Internal, Portal   bool
	Groups             []string // of those asked for, as they were asked for
	Password, App      string   // passlib hash, and base32; SQL only
	Provider           int64    // auth.oauth.provider id
	Subject            string   // oauth_uid
	Written            time.Time
	Came               time.Time // login_date, where it is asked for
	Devices            []Device  // SQL from Odoo 18 on
	Line               int       // of a file
	wrong              error     // the row cannot be read
}

// Device is a line of Odoo's list of devices.
type Device struct {
	Address, Agent, Country string
	First, Last             time.Time
}

// Source reads Odoo's users, archived ones too, each once.
type Source interface {
	// Begin goes back to the first user. When light is set, names and states are
	// enough.
	Begin(ctx context.Context, light bool) error
	// Next returns some users, none at the end.
	Next(ctx context.Context) ([]Person, error)
	// Part is how much has been read, 0 to 1.
	Part() float64
	// OpenSignUp reports whether strangers can make themselves portal users, so
	// that nobody knows whose an address is.
	OpenSignUp() bool
}

// templates are users that Odoo makes for itself (ODOO.md §5).
var templates = map[string]bool{"__system__": true, "default": true, "public": true, "portaltemplate": true}

// address reads what people write into Odoo's e-mail field; "" when no one
// address is meant.
func address(field string) string {
	a, err := mail.ParseAddress(strings.TrimSpace(field))
	if err != nil || len(a.Address) > idp.MaxIdentifier {
		return ""
	}
	return strings.ToLower(a.Address)
}

// locale turns Odoo's name of a language into BCP 47; "" when there is none.
func locale(lang string) string {
	lang, script, _ := strings.Cut(lang, "@")
	if script == "latin" {
		base, region, _ := strings.Cut(lang, "_")
		lang = strings.Trim(base+"_Latn_"+region, "_")
	}
	tag, err := language.Parse(strings.ReplaceAll(lang, "_", "-"))
	if err != nil || lang == "" {
		return ""
	}
	return tag.String()
}

// zone is the name of a time zone that everybody knows, or nothing.
func zone(name string) string {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsSpace(r) || r < ' ' }) {
		return ""
	}
	return name
}

// phone is the first of the numbers that takes text messages, read as one of
// the country; "" when none does.
func phone(country string, numbers ...string) string {
	for _, n := range numbers {
		if e164, err := idp.ReadPhone(n, idp.User{Locale: "und-" + country}); err == nil {
			return e164
		}
	}
	return ""
}

// plain makes a name that may be shown: one line, without control characters,
// at most 256 bytes.
func plain(name string) string {
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}), " ")
	const most = 256
	if len(name) > most {
		name = strings.TrimSpace(strings.ToValidUTF8(name[:most], ""))
	}
	return name
}

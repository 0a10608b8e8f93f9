package account

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"

	"latchkey/idp"
)

// headers are the columns that are known, by the names that people give them in
// the languages of the pages: folded, with one underscore for whatever is no
// letter or digit.
var headers = func() map[string]string {
	out := map[string]string{}
	for field, names := range map[string]string{
		"email": "email e_mail mail email_address e_mail_address courriel adresse_mail adresse_e_mail adresse_email correo correo_electronico " +
			"direccion_de_correo e_mail_adresse mailadresse indirizzo_e_mail indirizzo_email posta_elettronica e_mailadres mailadres",
		"login":       "login user username user_name identifiant nom_d_utilisateur utilisateur usuario nombre_de_usuario benutzername anmeldename benutzer nome_utente utente gebruikersnaam gebruiker inlognaam",
		"name":        "name full_name display_name nom_complet nom_et_prenom prenom_et_nom nombre_completo nombre_y_apellidos vollstandiger_name anzeigename nome_completo nome_e_cognome volledige_naam weergavenaam naam",
		"given_name":  "given_name first_name firstname prenom nombre nombre_de_pila vorname nome voornaam",
		"family_name": "family_name last_name lastname surname nom nom_de_famille apellido apellidos nachname familienname cognome achternaam",
		"kind":        "kind type tipo typ art soort genre",
		"groups":      "groups group groupes groupe grupos grupo gruppen gruppe gruppi gruppo groepen groep",
		"locale":      "locale language lang langue idioma lengua sprache lingua taal",
		"phone": "phone telephone mobile phone_number mobile_phone tel portable telephone_portable numero_de_telephone telefono movil telefono_movil telefon mobil " +
			"mobiltelefon handy telefonnummer handynummer cellulare numero_di_telefono telefoon mobiel telefoonnummer",
		"verified":      "verified verifie verificado verifiziert bestatigt verificato geverifieerd",
		"password_hash": "password_hash", "totp_secret": "totp_secret",
	} {
		for n := range strings.FieldsSeq(names) {
			out[n] = field
		}
	}
	return out
}()

// TableFields are what a column of a table can be.
func TableFields() []string {
	return []string{
		"email", "login", "name", "given_name", "family_name", "kind", "groups", "locale", "phone", "verified", "password_hash", "totp_secret",
	}
}

// SecretFields are those of [TableFields] whose values are never shown.
func SecretFields() []string { return []string{"password_hash", "totp_secret"} }

// headed is a column's name as the tables of names have it.
func headed(name string) string {
	words := strings.FieldsFunc(idp.Folded(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return strings.Join(words, "_")
}

// guess takes the columns for what their names say.
func (t *Table) guess(also map[string]string) error {
	var errs []error
	for i, n := range t.Names {
		name := headed(n)
		field, ok := also[name]
		if !ok {
			field, ok = headers[name]
		}
		if ok {
			errs = append(errs, t.means(i, field))
		} else if n != "" {
			t.Unknown = append(t.Unknown, n)
		}
	}
	return errors.Join(append(errs, t.named())...)
}

// means notes what a column is.
func (t *Table) means(column int, field string) error {
	if other, twice := t.columns[field]; twice {
		return fmt.Errorf("%w: columns %d and %d are both %s", idp.ErrInvalid, other+1, column+1, field)
	}
	t.at[column], t.columns[field] = field, column
	return nil
}

// named refuses a table in which nobody can be told from anybody.
func (t *Table) named() error {
	_, email := t.columns["email"]
	if _, login := t.columns["login"]; !email && !login {
		return fmt.Errorf("%w: the first row must name the columns, and one of them must be email or login; it has: %.200q", idp.ErrInvalid, t.Names)
	}
	return nil
}

// Fields says what each column is, empty for one that is left out.
func (t *Table) Fields() []string {
	out := make([]string, len(t.Names))
	for i := range out {
		out[i] = t.at[i]
	}
	return out
}

// ScanTable opens a table whose columns may mean nothing: it is for whoever asks
// what they are. Mistakes wrap idp.ErrInvalid.
func ScanTable(file io.ReadSeeker) (*Table, error) {
	t, err := openTable(file)
	if err != nil {
		return nil, err
	}
	for i, n := range t.Names {
		field, ok := headers[headed(n)]
		if _, twice := t.columns[field]; ok && !twice {
			t.at[i], t.columns[field] = field, i
		}
	}
	return t, nil
}

// OpenTableAs opens a table whose columns somebody has named: a field of
// [TableFields] for each, or nothing. Mistakes wrap idp.ErrInvalid.
func OpenTableAs(file io.ReadSeeker, fields []string) (*Table, error) {
	t, err := openTable(file)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, f := range fields {
		switch {
		case f == "" || i >= len(t.Names):
		case !slices.Contains(TableFields(), f):
			errs = append(errs, fmt.Errorf("%w: columns: there is no field %q", idp.ErrInvalid, f))
		default:
			errs = append(errs, t.means(i, f))
		}
	}
	return t, errors.Join(append(errs, t.named())...)
}

func nameOf(code encoding.Encoding) string {
	switch code {
	case xunicode.UTF8BOM:
		return "UTF-8"
	case charmap.Windows1252:
		return "Windows-1252"
	}
	return "UTF-16"
}

func cloned(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = strings.Clone(c)
	}
	return out
}

// describe turns the values of a row into a person.
func describe(v map[string]string) (in New, wrong []error) {
	in = New{
		Email: v["email"], Login: v["login"], Name: oneLine(v["name"]), Kind: kindOf(v["kind"]), Locale: v["locale"],
		Phone: v["phone"], PasswordHash: v["password_hash"], TOTPSecret: v["totp_secret"],
	}
	in.Profile.GivenName, in.Profile.FamilyName = oneLine(v["given_name"]), oneLine(v["family_name"])
	if in.Name == "" {
		in.Name = strings.TrimSpace(in.Profile.GivenName + " " + in.Profile.FamilyName)
	}
	for g := range strings.FieldsFuncSeq(v["groups"], func(r rune) bool { return r == '|' || r == '\n' || r == '\r' }) {
		if g = strings.TrimSpace(g); g != "" {
			in.Groups = append(in.Groups, g)
		}
	}
	var ok bool
	if in.Verified, ok = truth(v["verified"]); !ok {
		wrong = append(wrong, inField("verified", fmt.Errorf("%w: verified %q: yes or no is expected", idp.ErrInvalid, v["verified"])))
	}
	return in, wrong
}

// oneLine joins the lines of a cell: people press Alt and Enter in spreadsheets.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// kinds are the words for employees and customers in the languages of the pages.
var kinds = map[idp.Kind]string{
	idp.Internal: "internal intern interne interno interna employee employe empleado mitarbeiter dipendente medewerker staff",
	idp.Portal:   "portal portail portale portaal customer client cliente kunde klant external",
}

// kindOf reads a kind; what is none stays as it is, and is refused later.
func kindOf(word string) idp.Kind {
	folded := idp.Folded(strings.TrimSpace(word))
	for kind, words := range kinds {
		if slices.Contains(strings.Fields(words), folded) {
			return kind
		}
	}
	return idp.Kind(strings.ToLower(word))
}

var truths = map[bool][]string{
	true:  {"1", "true", "yes", "y", "x", "oui", "vrai", "ja", "wahr", "sí", "si", "verdadero", "vero"},
	false: {"0", "false", "no", "n", "non", "faux", "nein", "falsch", "falso", "nee", "onwaar"},
}

// Truth reads yes and no as spreadsheets of several languages write it; nothing
// is no. What is neither is idp.ErrInvalid.
func Truth(word string) (bool, error) {
	is, ok := truth(word)
	if !ok {
		return false, fmt.Errorf("%w: %q: yes or no is expected", idp.ErrInvalid, word)
	}
	return is, nil
}

// truth reads yes and no as spreadsheets of several languages write it.
func truth(word string) (is, ok bool) {
	for is, words := range truths {
		if slices.Contains(words, strings.ToLower(word)) {
			return is, true
		}
	}
	return false, word == ""
}

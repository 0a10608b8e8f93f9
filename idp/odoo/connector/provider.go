package connector

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"latchkey/idp/odoo"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// row is a row of auth.oauth.provider.
type row struct {
	ID         int64
	Name       string
	Client     rpc.Text `json:"client_id"`
	Enabled    bool
	Scope      rpc.Text
	Auth       rpc.Text `json:"auth_endpoint"`
	Validation rpc.Text `json:"validation_endpoint"`
	Data       rpc.Text `json:"data_endpoint"`
	Body       rpc.Text
}

var rowFields = []string{"name", "client_id", "enabled", "scope", "auth_endpoint", "validation_endpoint", "data_endpoint", "body"}

const scope = "openid profile email"

func providers(ctx context.Context, r *rpc.Client) (all []row, err error) {
	return all, r.SearchRead(ctx, "auth.oauth.provider", nil, rowFields, rpc.Page{Order: "id"}, &all)
}

// ours finds the row of a connection: by its id, or by the client at our
// address when it was made by hand.
func ours(all []row, c Connection) (row, bool) {
	for _, w := range all {
		if w.ID == c.Provider && c.Provider != 0 {
			return w, true
		}
	}
	for _, w := range all {
		if string(w.Client) == string(c.Client) && strings.HasSuffix(string(w.Auth), oidc.PathAuthorize) {
			return w, true
		}
	}
	return row{}, false
}

// validation is where Odoo's server asks.
func validation(issuer string, c Connection, client oidc.Client) string {
	base := issuer
	if c.Reach != "" {
		base = c.Reach
	}
	return base + odoo.ValidationPath(client)
}

// wrong lists the fields of a row that are not as they must be, and what they
// must be. The label is the administrator'b.
func (b buttons) wrong(w row, c Connection, client oidc.Client) (fields []string, right rpc.Args) {
	right = rpc.Args{}
	for _, f := range []struct {
		name  string
		is    any
		shall any
	}{
		{"client_id", string(w.Client), string(client.ID)}, {"enabled", w.Enabled, true}, {"scope", string(w.Scope), scope},
		{"auth_endpoint", string(w.Auth), b.issuer + oidc.PathAuthorize}, {"validation_endpoint", string(w.Validation), validation(b.issuer, c, client)},
		{"data_endpoint", string(w.Data), ""},
	} {
		if f.name == "data_endpoint" && client.Validations > 1 {
			continue // somebody wants a second question
		}
		if f.is != f.shall {
			fields = append(fields, f.name)
			right[f.name] = f.shall
			if f.shall == "" {
				right[f.name] = false
			}
		}
	}
	return fields, right
}

// buttons puts our button on Odoo's login page, in all its languages, and mends
// it.
type buttons struct {
	issuer, brand string
	say           func(lang, key string, args ...any) string
	now           func() time.Time
}

// row makes the row of a connection, or repairs it, and notes its id.
func (b buttons) row(ctx context.Context, r *rpc.Client, c *Connection, client oidc.Client, dry bool) (Note, error) {
	all, err := providers(ctx, r)
	if err != nil {
		return Note{}, err
	}
	w, found := ours(all, *c)
	if !found {
		if dry {
			return say("would.row.made"), nil
		}
		return b.newRow(ctx, r, c, client)
	}
	c.Provider = w.ID
	fields, right := b.wrong(w, *c, client)
	if len(fields) > 0 && !dry {
		if err := r.Write(ctx, "auth.oauth.provider", []int64{w.ID}, right, nil); err != nil {
			return Note{}, err
		}
	}
	langs, err := b.labels(ctx, r, *c, dry)
	return mended(w.ID, strings.Join(fields, ", "), strings.Join(langs, ", "), dry), err
}

// mended says what was put right in a row, or would be.
func mended(id int64, fields, langs string, dry bool) Note {
	switch {
	case fields+langs == "":
		return say("did.row.right", id)
	case langs == "" && dry:
		return say("would.row.corrected", fields, id)
	case langs == "":
		return say("did.row.corrected", id, fields)
	case fields == "" && dry:
		return say("would.row.labelled", langs, id)
	case fields == "":
		return say("did.row.labelled", id, langs)
	case dry:
		return say("would.row.both", fields, langs, id)
	}
	return say("did.row.both", id, fields, langs)
}

func (b buttons) newRow(ctx context.Context, r *rpc.Client, c *Connection, client oidc.Client) (Note, error) {
	_, values := b.wrong(row{}, *c, client)
	values["name"], values["body"], values["data_endpoint"] = b.brand, b.say("en", "button", b.brand), false
	values["css_class"], values["sequence"] = "fa fa-fw fa-sign-in text-primary", 1
	id, err := r.Create(ctx, "auth.oauth.provider", values, rpc.Args{"lang": source})
	if err != nil {
		return Note{}, err
	}
	c.Provider, c.Since = id, b.now()
	if _, err := b.labels(ctx, r, *c, false); err != nil {
		return Note{}, err
	}
	return say("did.row.made", id, values["body"]), nil
}

// source is the language in which Odoo keeps what is not translated. It can be
// read even where nobody speaks it.
const source = "en_US"

// labels gives the button its words in those languages of an Odoo that it has
// none in: a language may come long after the connection. What an administrator
// wrote stays, in every language.
func (b buttons) labels(ctx context.Context, r *rpc.Client, c Connection, dry bool) (langs []string, err error) {
	own := b.say("en", "button", b.brand)
	missing := map[string]string{}
	for _, code := range c.Facts.Languages {
		lang, _, _ := strings.Cut(strings.ReplaceAll(code, "@", "_"), "_") // fr_BE, sr@latin
		if text := b.say(lang, "button", b.brand); lang != "en" && text != own {
			missing[code] = text
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	if is, err := label(ctx, r, c.Provider, source); err != nil || is != own {
		return nil, err
	}
	for _, code := range slices.Sorted(maps.Keys(missing)) {
		is, err := label(ctx, r, c.Provider, code)
		if err != nil {
			return langs, err
		}
		if is != own {
			continue
		}
		if langs = append(langs, code); dry {
			continue
		}
		if err := r.Write(ctx, "auth.oauth.provider", []int64{c.Provider}, rpc.Args{"body": missing[code]}, rpc.Args{"lang": code}); err != nil {
			return langs, err
		}
	}
	return langs, nil
}

// label is what the button says in one of Odoo's languages.
func label(ctx context.Context, r *rpc.Client, id int64, lang string) (string, error) {
	var all []row
	err := r.SearchRead(ctx, "auth.oauth.provider", rpc.Domain{rpc.Is("id", "=", id)}, []string{"body"}, rpc.Page{Context: rpc.Args{"lang": lang}}, &all)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return string(all[0].Body), nil
}

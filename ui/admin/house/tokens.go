package house

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// tokens is the tokens of the API.
type tokens struct{ *Pages }

type tokensView struct {
	admin.Head
	Rows   []tokenRow
	Empty  *admin.Empty
	Secret *admin.Secret // of the one that was just made
}

type tokenRow struct {
	ID, Name, Owner, Expires, Used string
	Scopes                         []string
	State, Chip, Revoke            string
}

func (t tokens) list(c *page.Context, v admin.Visit) error { return t.draw(c, v, nil) }

func (t tokens) draw(c *page.Context, v admin.Visit, secret *admin.Secret) error {
	all, err := t.Tokens.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	view := tokensView{Head: v.Head(c), Rows: tokenRows(c, all), Secret: secret}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.tokens.none"), Text: c.Words.T("admin.tokens.none_text"), URL: tokensPath + "/new", Button: c.Words.T("admin.tokens.make")}
	}
	return c.Show(set, http.StatusOK, "tokens.html", view)
}

func tokenRows(c *page.Context, all []apitoken.Held) []tokenRow {
	var out []tokenRow
	for _, h := range all {
		state := h.State(c.Now())
		r := tokenRow{
			ID: h.ID, Name: h.Name, Owner: page.PersonOf(h.By).Name, Expires: c.Words.Date(h.Expires.UTC()), Used: c.Words.T("admin.tokens.never"),
			State: c.Words.T(fmt.Sprintf("admin.tokens.state.%s", state)), Revoke: tokensPath + "/" + url.PathEscape(h.ID) + "/revoke",
		}
		if !h.Used.IsZero() {
			r.Used = c.Words.DateTime(h.Used.UTC())
		}
		for _, s := range h.Scopes {
			r.Scopes = append(r.Scopes, string(s))
		}
		switch state {
		case apitoken.Live:
			r.Chip = "chip-good"
		case apitoken.Revoked, apitoken.Expired:
			r.Revoke = ""
		case apitoken.Void:
			r.Chip = "chip-warn"
		}
		out = append(out, r)
	}
	return out
}

type tokenView struct {
	admin.Head
	Fields     admin.Fields
	Scopes     admin.Fields
	ScopeError string
}

// lives are the choices of how long a token lives, in days.
var lives = []int{7, 30, 90, 180, 365}

func (t tokens) form(c *page.Context, v admin.Visit) tokenView {
	life := admin.Field{Name: "days", Type: "select", Label: c.Words.T("admin.tokens.life"), Value: strconv.Itoa(int(apitoken.DefaultLife / (24 * time.Hour)))}
	for _, d := range lives {
		value := strconv.Itoa(d)
		life.Options = append(life.Options, admin.Option{Value: value, Label: c.Words.N("admin.tokens.days", d), Chosen: value == life.Value})
	}
	view := tokenView{
		Head:   v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.tokens"), URL: tokensPath}),
		Fields: admin.Fields{{Name: "name", Label: c.Words.T("admin.tokens.name"), Help: c.Words.T("admin.tokens.name_help"), Required: true, Auto: "off"}, life},
	}
	for _, r := range idp.Rights() {
		if v.May(r) {
			view.Scopes = append(view.Scopes, admin.Field{Name: "pick." + string(r), Type: "checkbox", Label: scopeName(c, r), Help: string(r)})
		}
	}
	return view
}

func scopeName(c *page.Context, r idp.Right) string {
	return c.Words.T(fmt.Sprintf("admin.tokens.right.%s", strings.ReplaceAll(string(r), ":", "_")))
}

func (t tokens) add(c *page.Context, v admin.Visit) error {
	return c.Show(set, http.StatusOK, "token.html", t.form(c, v))
}

// make shows the secret on the page that answers, and nowhere else.
func (t tokens) make(c *page.Context, v admin.Visit) error {
	days, _ := strconv.Atoi(c.Form("days"))
	in := apitoken.New{Name: c.Form("name"), Life: time.Duration(days) * 24 * time.Hour}
	if !slices.Contains(lives, days) {
		in.Life = -1 // refused with the others
	}
	for _, r := range idp.Rights() {
		if c.Form("pick."+string(r)) != "" {
			in.Scopes = append(in.Scopes, r)
		}
	}
	made, secret, err := t.Tokens.Make(c.Context(), v.By, in)
	if err == nil {
		c.Here(tokensPath)
		return t.draw(c, v, &admin.Secret{Label: c.Words.T("admin.tokens.made", made.Name), Value: secret, Help: c.Words.T("admin.tokens.once")})
	} else if !errors.Is(err, idp.ErrInvalid) {
		return err
	}
	view := t.form(c, v)
	view.Head, view.Fields, view.Scopes = view.Refused(c.Words.T("admin.refused"), ""), view.Fields.Filled(c), view.Scopes.Filled(c)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		switch field, _, _ := strings.Cut(strings.TrimPrefix(line, idp.ErrInvalid.Error()+": "), ":"); field {
		case "name":
			view.Fields = view.Fields.Marked("name", c.Words.T("admin.tokens.wrong_name"))
		case "expires":
			view.Fields = view.Fields.Marked("days", c.Words.T("admin.tokens.wrong_life"))
		case "scopes":
			view.ScopeError = c.Words.T("admin.tokens.wrong_scopes")
		}
	}
	return c.Show(set, http.StatusBadRequest, "token.html", view)
}

func (t tokens) sure(c *page.Context, v admin.Visit) error {
	h, err := t.Tokens.Get(c.Context(), v.By, c.R.PathValue("token"))
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", sureView{v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.tokens"), URL: tokensPath}), revokeConfirm(c, h)})
}

func revokeConfirm(c *page.Context, h apitoken.Held) admin.Confirm {
	return admin.Confirm{
		ID: "token-revoke", Title: c.Words.T("admin.tokens.revoke_title", h.Name), Text: []string{c.Words.T("admin.tokens.revoke_text", page.PersonOf(h.By).Name)},
		Action: tokensPath + "/" + url.PathEscape(h.ID) + "/revoke", Button: c.Words.T("admin.tokens.revoke"), Danger: true, Cancel: tokensPath,
	}
}

// revoke also says that it is done of a token that had ended already: it has.
func (t tokens) revoke(c *page.Context, v admin.Visit) error {
	if err := t.Tokens.Revoke(c.Context(), v.By, c.R.PathValue("token")); err != nil && !errors.Is(err, idp.ErrSpent) {
		return err
	}
	return c.Redirect(tokensPath + "?done=revoked")
}

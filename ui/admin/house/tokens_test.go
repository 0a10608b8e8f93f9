package house

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/mail"
	"latchkey/ui/locale"
)

// D-04, D-06: a token has no right that its owner has not, and is shown once.
func TestTokens(t *testing.T) {
	h, p, _ := open(t)
	for _, r := range []idp.Role{idp.HelpDesk, idp.Auditor} {
		h.Enter(r, tokensPath).Want(http.StatusForbidden, tokensPath)
	}
	v := h.Enter(idp.Admin, tokensPath).Want(http.StatusOK, tokensPath).Has(".empty", "#api").Follow(".empty a")
	v.Submit("token", "days", "30").Want(http.StatusBadRequest, tokensPath).Has("#f-name[aria-invalid]", "#e-scopes", "option[value='30'][selected]")
	v.Submit("token", "name", "Backup", "pick.people:read", "yes", "days", "7").Want(http.StatusOK, tokensPath).Has(".secret", "#tokens")
	secret := strings.TrimSpace(v.Doc.Find(".secret").Text())
	if !apitoken.WellFormed(secret) {
		t.Errorf("%q", secret)
	}
	tok, _, err := p.Tokens.Bearer(t.Context(), secret, idp.Origin{})
	if err != nil || tok.Owner != h.Person(idp.Admin).ID || len(tok.Scopes) != 1 || tok.Scopes[0] != idp.SeePeople || tok.Expires.Sub(tok.Created) != 7*24*time.Hour {
		t.Errorf("%+v, %v", tok, err)
	}
	if strings.Contains(string(v.Get(tokensPath).Body), secret) {
		t.Error("it is shown again")
	}
	// An admin does not see an owner's, and revokes their own.
	theirs, _, err := p.Tokens.Make(t.Context(), h.Actor(idp.Owner), apitoken.New{Name: "Top", Scopes: []idp.Right{idp.SeePeople}})
	h.Must(err)
	v.Get(tokensPath).HasNot("a[href*='" + theirs.ID + "']")
	v.Get(tokensPath+"/"+theirs.ID+"/revoke").Want(http.StatusForbidden, tokensPath+"/"+theirs.ID+"/revoke")
	v.Get(tokensPath).Follow("a.revoke").Submit("token-revoke").Want(http.StatusOK, tokensPath).Has("#done").HasNot("a.revoke")
	if _, _, err := p.Tokens.Bearer(t.Context(), secret, idp.Origin{}); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("it is still good: %v", err)
	}
	if es := h.Events("token.revoke"); len(es) != 1 || es[0].Actor != h.Person(idp.Admin).ID {
		t.Errorf("%+v", es)
	}
}

// Every right and every state has words.
func TestTokenWords(t *testing.T) {
	words, _ := locale.Find("en")
	for _, r := range idp.Rights() {
		if !words.Has("admin.tokens.right." + strings.ReplaceAll(string(r), ":", "_")) {
			t.Errorf("%s has no words", r)
		}
	}
	for _, s := range []apitoken.State{apitoken.Live, apitoken.Expired, apitoken.Revoked, apitoken.Void} {
		if !words.Has("admin.tokens.state." + string(s)) {
			t.Errorf("%s has no words", s)
		}
	}
}

// server is a mail server.
type server struct {
	took []mail.Message
	fail error
}

func (s *server) Hand(_ context.Context, m mail.Message) (mail.Receipt, error) {
	if s.fail != nil {
		return mail.Receipt{}, s.fail
	}
	s.took = append(s.took, m)
	return mail.Receipt{By: "mail.example.org"}, nil
}

func TestMail(t *testing.T) {
	h, p, _ := open(t)
	h.Enter(idp.Admin, settingsPath).Has("#mail .chip-warn").HasNot("form#mail-test")
	out := &server{}
	p.Mail, p.MailServer = out, "mail.example.org"
	h.Enter(idp.Auditor, settingsPath).Says("mail.example.org").HasNot("form#mail-test")
	v := h.Enter(idp.Admin, settingsPath).Submit("mail-test").Want(http.StatusOK, settingsPath+"/mail").Has("#done")
	if len(out.took) != 1 || out.took[0].To != h.Person(idp.Admin).Email {
		t.Errorf("%+v", out.took)
	}
	out.fail = errors.New("535 authentication failed")
	v.Get(settingsPath).Submit("mail-test").Want(http.StatusBadGateway, settingsPath+"/mail").Says("535 authentication failed")
}

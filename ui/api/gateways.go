package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/settings"
	"latchkey/mfa"
	"latchkey/mfa/sms"
	"latchkey/ui/locale"
)

// Gateway is one through which text messages go. A secret of it is never shown:
// what is set is "set", and what is left empty stays.
type Gateway struct {
	ID       string            `json:"id,omitempty" readOnly:"true"`
	Name     string            `json:"name" maxLength:"200"`
	Type     string            `json:"type" maxLength:"64"`
	Prefixes []string          `json:"prefixes,omitempty" maxItems:"300"`
	Values   map[string]string `json:"values,omitempty"`
	Own      map[string]any    `json:"own,omitempty"`
	Off      bool              `json:"off,omitempty"`
}

func viewGateway(g settings.Gateway) Gateway { return Gateway(g) }

// GatewayType is a kind of gateway and what it wants to know.
type GatewayType struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Values []GatewayValue `json:"values"`
}

// GatewayValue is one of these.
type GatewayValue struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Default  string `json:"default,omitempty"`
	Secret   bool   `json:"secret"`
	Optional bool   `json:"optional"`
}

// NewTest is a text message to be sent now.
type NewTest struct {
	To string `json:"to" maxLength:"40" doc:"A number, with its country code."`
}

// AboutGateway names a gateway.
type AboutGateway struct {
	ID string `path:"id" maxLength:"64" doc:"The gateway's id."`
}

// errHanded means that whoever should take a test did not.
var errHanded = errors.New("api: it was not taken")

// handTime is for a mail server that somebody waits for.
const handTime = 20 * time.Second

// gatewaysAPI are the operations about what messages go through.
type gatewaysAPI struct{ *API }

func (a gatewaysAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: "/sms-gateways" + path, tag: "house", summary: summary, right: right}
	}
	add(a.API, o("list-gateways", http.MethodGet, "", "List gateways for text messages, in the order in which they are asked", idp.SeeHouse), func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[Gateway]], error) {
		all, err := a.Settings.ListGateways(ctx, by)
		return answer(Items[Gateway]{each(all, viewGateway)}, err)
	})
	create := o("create-gateway", http.MethodPost, "", "Add a gateway", idp.EditHouse)
	create.status = http.StatusCreated
	add(a.API, create, func(ctx context.Context, by idp.Actor, in *struct{ Body Gateway }) (*made[Named], error) {
		in.Body.ID = ""
		id, err := a.Settings.PutGateway(ctx, by, settings.Gateway(in.Body))
		if err != nil {
			return nil, err
		}
		return &made[Named]{Location: Prefix + "/sms-gateways/" + id, Body: Named{id, in.Body.Name}}, nil
	})
	add(a.API, o("get-gateway", http.MethodGet, "/{id}", "Show a gateway", idp.SeeHouse), func(ctx context.Context, by idp.Actor, in *AboutGateway) (*body[Gateway], error) {
		all, err := a.Settings.ListGateways(ctx, by)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(g settings.Gateway) bool { return g.ID == in.ID })
		if i < 0 {
			return nil, idp.ErrNotFound
		}
		return &body[Gateway]{viewGateway(all[i])}, nil
	})
	add(a.API, o("replace-gateway", http.MethodPut, "/{id}", "Replace a gateway", idp.EditHouse), func(ctx context.Context, by idp.Actor, in *struct {
		AboutGateway
		Body Gateway
	}) (*none, error) {
		in.Body.ID = in.ID
		_, err := a.Settings.PutGateway(ctx, by, settings.Gateway(in.Body))
		return done(err)
	})
	add(a.API, o("prefer-gateway", http.MethodPost, "/{id}/first", "Ask a gateway before the others", idp.EditHouse), func(ctx context.Context, by idp.Actor, in *AboutGateway) (*none, error) {
		return done(a.Settings.FirstGateway(ctx, by, in.ID))
	})
	add(a.API, o("delete-gateway", http.MethodDelete, "/{id}", "Remove a gateway with its credentials", idp.EditHouse), func(ctx context.Context, by idp.Actor, in *AboutGateway) (*none, error) {
		return done(a.Settings.RemoveGateway(ctx, by, in.ID))
	})
	a.tests(o)
}

// tests are the operations that tell whether messages arrive.
func (a gatewaysAPI) tests(o func(id, method, path, summary string, right idp.Right) operation) {
	add(a.API, o("list-gateway-types", http.MethodGet, "/types", "List the types of gateway, and what each wants to know", idp.SeeHouse), func(context.Context, idp.Actor, *struct{}) (*body[Items[GatewayType]], error) {
		return &body[Items[GatewayType]]{Items[GatewayType]{gatewayTypes()}}, nil
	})
	text := o("test-gateways", http.MethodPost, "/test", "Send a text message now", idp.EditHouse)
	text.patient = true
	text.about = "By the gateways in force. The log has who did, and to which country; only so many are sent in a while."
	add(a.API, text, a.text)
	letter := o("test-mail", http.MethodPost, "", "Hand a mail to the mail server now, for the caller", idp.EditHouse)
	letter.path, letter.patient = "/mail/test", true
	letter.about = "To the address that is known to be that of the token's owner, and nowhere else. A service has none."
	add(a.API, letter, a.mail)
}

// gatewayTypes leaves out the one that would write codes into the log (T-08).
func gatewayTypes() []GatewayType {
	var out []GatewayType
	for _, kind := range sms.Types() {
		title, all, known := sms.Describe(kind)
		if !known || kind == "log" {
			continue
		}
		out = append(out, GatewayType{kind, title, each(all, func(s sms.Setting) GatewayValue {
			return GatewayValue{s.Name, s.About, s.Default, s.Secret, s.Optional}
		})})
	}
	return out
}

// owner is who a token belongs to; nobody for a service.
func (a *API) owner(ctx context.Context, by idp.Actor) (idp.User, error) {
	if _, is := by.Service(); is {
		return idp.User{}, nil
	}
	return a.People.Service.Users.ByID(ctx, by.User)
}

func (a gatewaysAPI) text(ctx context.Context, by idp.Actor, in *struct{ Body NewTest }) (*body[Sent], error) {
	me, err := a.owner(ctx, by)
	if err != nil {
		return nil, err
	}
	to, err := idp.ReadPhone(in.Body.To, me)
	if err != nil {
		return nil, invalid("to", "a number that takes text messages, with its country code")
	}
	words := a.words(me)
	got, err := a.Settings.Test(ctx, by, a.Messages.Texts, to, words.T("admin.gateway.test_text", a.Messages.Sampler(ctx).Brand))
	return answer(Sent{to, got.Gateway}, handed(err))
}

func (a gatewaysAPI) mail(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Sent], error) {
	me, err := a.owner(ctx, by)
	if err != nil {
		return nil, err
	}
	if a.Messages.Mail == nil || me.Email == "" || !me.EmailVerified {
		return nil, fmt.Errorf("%w: there is no mail server in the configuration, or no address that is known to be yours", idp.ErrInvalid)
	}
	words, name := a.words(me), a.Messages.Sampler(ctx).Brand
	m := mail.New(mail.Mail, me.Email, a.Gate.Now())
	m.Subject, m.Text = words.T("admin.messages.test_subject", name), words.T("admin.settings.mail_text", name)+"\n"
	ctx, cancel := context.WithTimeout(ctx, handTime)
	defer cancel()
	var got mail.Receipt
	err = a.Settings.TestMail(ctx, by, func() (err error) {
		got, err = a.Messages.Mail.Hand(ctx, m)
		return err
	})
	return answer(Sent{me.Email, got.By}, handed(err))
}

// words are in somebody's language, or the fallback.
func (a *API) words(u idp.User) locale.Printer {
	if words, ok := locale.Find(u.Locale); ok {
		return words
	}
	words, _ := locale.Find(locale.Fallback)
	return words
}

// handed tells what became of a test from what refused it before.
func handed(err error) error {
	denied, locked := (*idp.DeniedError)(nil), (*mfa.LockedError)(nil)
	if err == nil || errors.As(err, &denied) || errors.As(err, &locked) {
		return err
	}
	return &handError{err}
}

// handError is what a gateway or a mail server said, for who asks how it does.
type handError struct{ err error }

func (e *handError) Error() string { return fmt.Sprintf("%v: %v", errHanded, e.err) }

func (e *handError) Unwrap() error { return errHanded }

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"text/tabwriter"
	"time"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/brand"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/ui/demo"
)

// demoPerson is an account of the demo. The passwords are public, which is
// why demo mode listens on this machine only.
type demoPerson struct {
	Login    string   `json:"login"`
	Password string   `json:"password"`
	TOTP     string   `json:"totp_secret,omitempty"`
	Name     string   `json:"name"`
	Kind     idp.Kind `json:"kind"`
	Role     idp.Role `json:"role,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Locale   string   `json:"locale,omitempty"`
	Phone    string   `json:"phone,omitempty"`
	Try      string   `json:"try"`
}

var demoPeople = []demoPerson{
	{Login: "ada@example.org", Password: "correct horse for ada", Name: "Ada Lovelace", Kind: idp.Internal, Groups: []string{"accounting"},
		Try: "an employee: sets up an authenticator app at the first sign-in"},
	{Login: "max@example.org", Password: "correct horse for max", TOTP: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", Name: "Max Mercier", Kind: idp.Internal, Groups: []string{"accounting"}, Locale: "fr",
		Try: "an employee with an app already (add the secret to yours), in French"},
	{Login: "pia@example.org", Password: "correct horse for pia", Name: "Pia Portal", Kind: idp.Portal,
		Try: "a portal customer: password only, as the policy says"},
	{Login: "sam@example.org", Password: "correct horse for sam", Name: "Sam Club", Kind: idp.Portal, Groups: []string{"club"}, Phone: "+33612345678",
		Try: "a portal customer with a phone: a code by SMS or e-mail (see the outbox), trusted devices"},
	{Login: "zoe@example.org", Password: "correct horse for zoe", Name: "Zoe Soon", Kind: idp.Portal, Groups: []string{"soon"},
		Try: "a portal customer who has 14 days to set up a second factor"},
	{Login: "olga@example.org", Password: "correct horse for olga", TOTP: "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU", Name: "Olga Owner", Kind: idp.Internal, Role: idp.Owner,
		Try: "the owner: the administration, with a code of her app"},
	{Login: "hugo@example.org", Password: "correct horse for hugo", TOTP: "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK", Name: "Hugo Help", Kind: idp.Internal, Role: idp.HelpDesk,
		Try: "the help desk: resets and temporary codes, no policies"},
}

// demoPolicies are in force in the demo.
var demoPolicies = []policy.Policy{
	{
		Name: "employees-need-a-second-factor", Enabled: true, Whom: policy.Whom{Kind: string(idp.Internal)},
		What: policy.What{Assurance: policy.MFA, Devices: &policy.Devices{Days: 30}},
	}, {
		Name: "club-members-get-a-code", Enabled: true, Whom: policy.Whom{Groups: []string{"club"}},
		What: policy.What{
			Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "passkey", "sms", "email", "backup"}, Devices: &policy.Devices{Days: 30},
			Codes: policy.Codes{Validity: 5 * time.Minute, Digits: 6},
		},
	}, {
		Name: "the-others-have-time", Enabled: true, Whom: policy.Whom{Groups: []string{"soon"}},
		What: policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 14}},
	},
}

const (
	demoOdooClient = "demo-odoo"
	demoCodeClient = "demo-web"
)

// demoReport is what `serve --demo --json` prints.
type demoReport struct {
	Issuer   string       `json:"issuer"`
	Shop     string       `json:"shop"`
	Outbox   string       `json:"outbox"`
	Pages    string       `json:"pages"` // every page with sample data
	Data     string       `json:"data"`  // folder
	Accounts []demoPerson `json:"accounts"`
	Clients  []demoClient `json:"clients"`
}

type demoClient struct {
	ID            string `json:"client_id"`
	Secret        string `json:"client_secret,omitempty"`
	Type          string `json:"type"`
	RedirectURI   string `json:"redirect_uri"`
	ValidationURL string `json:"validation_url,omitempty"`
}

const demoData = "./latchkey-demo"

// demoConfig keeps the demo's database apart from a real one, unless a folder
// was chosen. Mail and SMS are there to be tried; nothing is handed over, the
// outbox shows it.
func demoConfig(cfg config.Config) config.Config {
	cfg = cfg.In(demoData)
	if cfg.Mail.SMTPURL == "" {
		cfg.Mail.SMTPURL = "smtp://localhost:1025"
	}
	if len(gateways(cfg)) == 0 {
		cfg.SMS.Gateways = []config.Gateway{{Name: "outbox", Type: "log"}}
	}
	return cfg
}

// startDemo fills the house and opens the shop beside it. Starting again
// changes nothing but the client secret.
func startDemo(ctx context.Context, h *house, s *servers, o serveOptions) error {
	host, port, err := net.SplitHostPort(h.cfg.Listen)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	shopAt := net.JoinHostPort(host, strconv.Itoa(n+1))
	shop := &demo.Shop{Issuer: h.cfg.Issuer, Base: "http://localhost:" + strconv.Itoa(n+1), OdooClient: demoOdooClient, CodeClient: demoCodeClient}
	stage := stageIn(h.base)
	if err := stage.fill(ctx); err != nil {
		return err
	}
	clients, err := stage.clients(ctx, shop)
	if err != nil {
		return err
	}
	if err := stage.dress(ctx); err != nil {
		return err
	}
	if err := s.listen("listen", shopAt, shop.Handler()); err != nil {
		return err
	}
	return printDemo(o, demoReport{Issuer: h.cfg.Issuer, Shop: shop.Base, Outbox: h.cfg.Issuer + "/dev/outbox", Pages: h.cfg.Issuer + "/dev/pages", Data: h.cfg.DataDir, Accounts: demoPeople, Clients: clients})
}

// demoStage is what the demo puts up in a house.
type demoStage struct {
	*ground
	accounts *account.Service
	brands   *brand.Service
}

func stageIn(b *base) demoStage {
	return demoStage{ground: b.ground, accounts: b.people.accounts, brands: b.choices.brands}
}

// fill adds the people and the policies that are not there yet.
func (d demoStage) fill(ctx context.Context) error {
	host := idp.Actor{Host: true}
	for _, p := range demoPeople {
		_, err := d.accounts.Add(ctx, host, account.New{
			Email: p.Login, Name: p.Name, Kind: p.Kind, Role: p.Role, Groups: p.Groups, Locale: p.Locale, Phone: p.Phone, Verified: true, Password: p.Password, TOTPSecret: p.TOTP,
		})
		if err != nil && !errors.Is(err, idp.ErrTaken) {
			return err
		}
	}
	return d.db.Policies.Apply(ctx, demoPolicies)
}

// clients registers the shop both ways.
func (d demoStage) clients(ctx context.Context, shop *demo.Shop) ([]demoClient, error) {
	var out []demoClient
	for _, in := range []oidc.Input{
		{ID: demoOdooClient, Name: "Demo Odoo", Type: oidc.Odoo, RedirectURIs: []string{shop.Base + "/auth_oauth/signin"}, PostLogoutURIs: []string{shop.Base + "/"}, Trusted: true},
		{ID: demoCodeClient, Name: "Demo shop", Type: oidc.Web, RedirectURIs: []string{shop.Base + "/callback"}, PostLogoutURIs: []string{shop.Base + "/"}},
	} {
		n, err := oidc.NewClient(in, d.now())
		if err != nil {
			return nil, err
		}
		err = d.db.Clients.Remove(ctx, n.Client.ID)
		if err != nil && !errors.Is(err, idp.ErrNotFound) {
			return nil, err
		}
		if err := d.db.Clients.Add(ctx, n.Client); err != nil {
			return nil, err
		}
		made := demoClient{ID: string(n.Client.ID), Secret: n.Secret, Type: string(n.Client.Type), RedirectURI: n.Client.RedirectURIs[0]}
		if n.Client.Type == oidc.Odoo {
			made.ValidationURL = d.cfg.Issuer + odoo.ValidationPath(n.Client)
			shop.Validation = made.ValidationURL
		} else {
			shop.CodeSecret = n.Secret
		}
		out = append(out, made)
	}
	return out, nil
}

func printDemo(o serveOptions, r demoReport) error {
	if o.JSON {
		return json.NewEncoder(o.Out).Encode(r)
	}
	afresh := ""
	if r.Data == demoData { // a folder that somebody chose may hold more
		afresh = " (delete it to start afresh)"
	}
	w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nLatchkey demo\n\n  Open %s and click \"Log in with Latchkey, as Odoo does\".\n\n", r.Shop)
	fmt.Fprintf(w, "  account\tpassword\twho\n")
	for _, p := range r.Accounts {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", p.Login, p.Password, p.Try)
		if p.TOTP != "" {
			fmt.Fprintf(w, "  \t\tsecret %s\n", p.TOTP)
		}
	}
	fmt.Fprintf(w, "\n  What to try: sign in as ada and scan the QR code; sign out, sign in again with a code; use a backup code;\n")
	fmt.Fprintf(w, "  type a wrong password; switch the language; open it on your phone's width;\n")
	fmt.Fprintf(w, "  log in with code + PKCE: that door has the shop's own brand.\n\n")
	fmt.Fprintf(w, "  Provider\t%s\n  Administration\t%s/admin\n  Discovery\t%s/.well-known/openid-configuration\n  Mail and SMS\t%s\n", r.Issuer, r.Issuer, r.Issuer, r.Outbox)
	fmt.Fprintf(w, "  Data\t%s%s\n\n  Stop with Ctrl-C.\n\n", r.Data, afresh)
	return w.Flush()
}

package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/figures"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/replay"
	"latchkey/ui/api"
	"latchkey/ui/api/gate"
	"latchkey/ui/api/scim"
	"latchkey/ui/message"
)

// tokens looks after the tokens of the API.
func (b *base) tokens() *apitoken.Service {
	return &apitoken.Service{Tokens: b.db.APITokens(), Users: b.db.Users(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now}
}

// apiServices are the use cases behind the API.
func (h *house) apiServices(door *gate.Gate) (api.Services, error) {
	log, err := h.auditLog(context.Background()) // it reads keys that are there
	if err != nil {
		return api.Services{}, err
	}
	bulk, imports := h.bulk(), h.imports()
	bulk.Callers = door // what was begun with a token ends with it
	imports.Bulk = bulk
	return api.Services{
		People: h.help, Approvals: h.approvals(), Directory: h.directory(), Cards: h.cards(), Bulk: bulk, Imports: imports, Merging: h.merging(),
		Data: h.export(), Companies: h.companies(),
		Security: h.security, Tokens: h.tokens(), Groups: h.groupbook(), Rules: h.rulebook(), Clients: h.registrar(), Keys: h.custodian(),
		Odoo: h.people(), Jobs: h.jobs, Audit: log, Settings: h.settings, Brands: h.brands, Evidence: h.evidence(),
		Figures: &figures.Service{Store: h.db.Figures(), Now: h.now}, Outlook: h.outlook, Messages: h.apiMessages(),
		Dress: func(ctx context.Context, by idp.Actor, c connector.Connection) (string, error) {
			return h.dressAsOdoo(ctx, by, c, false)
		},
	}, nil
}

// apiMessages are the use cases about mails and text messages.
func (h *house) apiMessages() api.Messages {
	m := api.Messages{
		Own: h.ownTexts(), Deliveries: h.deliveries(), Texts: h.texts,
		Sampler: func(context.Context) message.Sampler {
			return message.Sampler{Issuer: h.cfg.Issuer, Brand: h.brands.House().Name, House: h.brands.House, Texts: h.notices.Texts, Now: h.now}
		},
	}
	if h.cfg.Mail.SMTPURL == "" {
		return m
	}
	if server, err := mailServer(h.cfg); err == nil { // the sender itself says so when it starts
		m.Mail = server
	}
	return m
}

// outlook is the deadlines of the dashboard, for programs.
func (h *house) outlook(ctx context.Context, by idp.Actor) ([]api.Deadline, error) {
	all, err := h.deadlines(ctx, by)
	var out []api.Deadline
	for _, d := range all {
		out = append(out, api.Deadline{Policy: d.Policy, Day: d.Day.UTC(), NotReady: d.NotReady})
	}
	return out, err
}

// gate lets callers of the API in.
func (h *house) gate() *gate.Gate {
	return &gate.Gate{
		Tokens: h.tokens(), Machines: h.provider, Limiter: h.db.Limiter(), Log: h.db.Log(), Now: h.now,
		Origin:    func(r *http.Request) idp.Origin { return h.site.From(nil, r).Origin() },
		PerMinute: h.cfg.Limits.APIPerMinute, Tries: h.cfg.Limits.AddressTries, Per: h.cfg.Limits.LockFor,
	}
}

// mountAPI adds the API for programs, and SCIM.
func (h *house) mountAPI(r gin.IRouter) error {
	door := h.gate()
	services, err := h.apiServices(door)
	if err != nil {
		return err
	}
	again := &replay.Book{Store: h.db.Requests(), Now: h.now}
	// Its schemas weigh three megabytes; many houses never call it.
	h.api = sync.OnceValue(func() *api.API {
		return api.New(api.Config{Issuer: h.cfg.Issuer, Gate: door, Replay: again, Log: h.db.Log(), Fault: fault, Services: services})
	})
	r.Any(api.Prefix+"/*path", func(c *gin.Context) { h.api().ServeHTTP(c.Writer, c.Request) })
	feed := &scim.Server{
		Issuer: h.cfg.Issuer, Gate: door, People: h.accounts, Groups: services.Groups, Store: h.db.Provisioned(), Atomic: h.db.Atomic, Log: h.db.Log(),
		Remove: h.cfg.Accounts.SCIMDelete == "remove", Fault: fault,
	}
	r.Any(scim.Prefix+"/*path", gin.WrapH(feed.Mount()))
	return nil
}

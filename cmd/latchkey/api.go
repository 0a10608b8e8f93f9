package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/replay"
	"latchkey/ui/api"
	"latchkey/ui/api/gate"
	"latchkey/ui/api/scim"
)

// apiServices are the use cases behind the API.
func (h *house) apiServices(door *gate.Gate) (api.Services, error) {
	log, err := h.records.log(context.Background()) // it reads keys that are there
	if err != nil {
		return api.Services{}, err
	}
	p := h.people
	bulk, imports := p.bulk(), p.imports()
	bulk.Callers = door // what was begun with a token ends with it
	imports.Bulk = bulk
	return api.Services{
		People: p.help, Approvals: p.approvals(), Directory: p.directory(), Cards: p.cards(), Bulk: bulk, Imports: imports, Merging: p.merging(),
		Data: p.export(), Companies: p.companies(),
		Security: h.security, Tokens: h.tokens(), Groups: h.rules.groups(), Rules: h.rules.book(), Clients: h.protocol.registrar(), Keys: h.protocol.custodian(),
		Odoo: h.odoo.office(), Jobs: h.jobs, Audit: log, Settings: h.choices.settings, Brands: h.choices.brands, Evidence: h.records.evidence(),
		Figures: h.records.figures(), Outlook: h.dashboard().outlook, Messages: h.messages.api(),
		Dress: func(ctx context.Context, by idp.Actor, c connector.Connection) (string, error) {
			return h.odoo.dress(ctx, by, c, false)
		},
	}, nil
}

// gate lets callers of the API in.
func (h *house) gate() *gate.Gate {
	return &gate.Gate{
		Tokens: h.tokens(), Machines: h.provider.Bearers(), Limiter: h.db.Limiter, Log: h.db.Log, Now: h.now,
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
	again := &replay.Book{Store: h.db.Requests, Now: h.now}
	// Its schemas weigh three megabytes; many houses never call it.
	h.api = sync.OnceValue(func() *api.API {
		return api.New(api.Config{Issuer: h.cfg.Issuer, Gate: door, Replay: again, Log: h.db.Log, Fault: fault, Services: services})
	})
	r.Any(api.Prefix+"/*path", func(c *gin.Context) { h.api().ServeHTTP(c.Writer, c.Request) })
	feed := &scim.Server{
		Issuer: h.cfg.Issuer, Gate: door, People: h.people.accounts, Groups: services.Groups, Store: h.db.Provisioned, Atomic: h.db.Atomic, Log: h.db.Log,
		Remove: h.cfg.Accounts.SCIMDelete == "remove", Fault: fault,
	}
	r.Any(scim.Prefix+"/*path", gin.WrapH(feed.Mount()))
	return nil
}

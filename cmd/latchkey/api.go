package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/replay"
	"latchkey/ui/api"
	"latchkey/ui/api/gate"
	"latchkey/ui/api/scim"
)

// tokens looks after the tokens of the API.
func (b *base) tokens() *apitoken.Service {
	return &apitoken.Service{Tokens: b.db.APITokens(), Users: b.db.Users(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now}
}

// apiServices are the use cases behind the API.
func (h *house) apiServices() (api.Services, error) {
	log, err := h.auditLog(context.Background()) // it reads keys that are there
	if err != nil {
		return api.Services{}, err
	}
	return api.Services{
		People:    h.help,
		Directory: h.directory(), Merging: h.merging(),
		Security: h.security, Tokens: h.tokens(), Groups: h.groupbook(), Rules: h.rulebook(), Clients: h.registrar(), Keys: h.custodian(),
		Odoo: h.people(), Audit: log, Settings: h.settings, Brands: h.brands, Evidence: h.evidence(),
	}, nil
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
	services, err := h.apiServices()
	if err != nil {
		return err
	}
	door := h.gate()
	again := &replay.Book{Store: h.db.Requests(), Now: h.now}
	// Its schemas weigh two megabytes; many houses never call it.
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

// Package api is the API of the administration, /api/v1: what the pages can do,
// for programs. Handlers read a request, call the use case that pages and
// commands call, and write what it returns; they decide nothing.
//
// Every operation is one entry that says its address, its right, its input and
// its output. The OpenAPI document is made of these entries and requests are
// held against it, so document and program cannot part.
//
// It never reads a cookie (see package gate), never returns a secret twice, and
// answers every error as a problem (RFC 9457).
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/people"
	"latchkey/idp/replay"
	"latchkey/ui/api/gate"
)

// Addresses.
const (
	Prefix       = "/api/v1"
	DocumentPath = Prefix + "/openapi.json"
)

const (
	// maxBody is for requests in bytes; documents are longer, and say so.
	maxBody = 64 << 10
	// maxDocument is for a set of policies.
	maxDocument = 1 << 20
	// maxPeople is for the exported file of an Odoo with some 40,000 people, as one
	// member of a JSON document.
	maxPeople = 4 << 20
	// maxUpload is for a table of people.
	maxUpload = people.MaxFile

	// mostUploads is how many of those are in memory at once.
	mostUploads = 2
	// uploadTime is how long a table may take to come.
	uploadTime = 2 * time.Minute
	// patience is for what waits for an Odoo.
	patience = 5 * time.Minute
)

// Config is what the API works with.
type Config struct {
	Issuer string
	Gate   *gate.Gate
	Replay *replay.Book
	Log    idp.Log
	// Fault is told of errors that callers see as "went wrong" only.
	Fault func(*http.Request, error)

	Services
}

// API answers requests below [Prefix].
type API struct {
	Config
	huma   huma.API
	mux    *http.ServeMux
	routes []Route
	ops    map[string]operation // by pattern of mux
	places chan struct{}        // of those who send much

	once     sync.Once
	document []byte
}

// New makes the API.
func New(c Config) *API {
	a := &API{Config: c, mux: http.NewServeMux(), ops: map[string]operation{}, places: make(chan struct{}, mostUploads)}
	a.huma = humago.New(a.mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Latchkey", Version: "1",
				Description: "The administration, for programs. Every request carries a token: `Authorization: Bearer …`. " +
					"What an operation needs is its security requirement: a right that the token has as a scope, and its owner by their role.",
			},
			Servers: []*huma.Server{{URL: c.Issuer}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token":   {Type: "http", Scheme: "bearer", Description: "A token of an administrator, made in the administration or by `latchkey api token add`."},
					"service": serviceScheme(c.Issuer),
				},
			},
			Tags: tags,
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format}, // the second for problem+json
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{complete},
	})
	for _, part := range []interface{ routes() }{
		usersAPI{a}, cardAPI{a}, helpAPI{a}, protectionAPI{a}, approvalsAPI{a}, bulkAPI{a}, importsAPI{a}, groupsAPI{a}, companiesAPI{a}, policiesAPI{a}, previewsAPI{a},
		clientsAPI{a}, keysAPI{a}, odooAPI{a}, odooWorkAPI{a}, auditAPI{a}, houseAPI{a}, logosAPI{a}, gatewaysAPI{a}, textsAPI{a}, deliveriesAPI{a}, figuresAPI{a}, tokensAPI{a},
	} {
		part.routes()
	}
	tidy(a.huma.OpenAPI().Components.Schemas)
	return a
}

var tags = []*huma.Tag{
	{Name: "users", Description: "People, and help for them."},
	{Name: "protection", Description: "Second factors, trusted browsers and sessions of a person."},
	{Name: "groups", Description: "Groups and who is in them."},
	{Name: "companies", Description: "Customer companies and their main contacts."},
	{Name: "approvals", Description: "What takes two administrators."},
	{Name: "policies", Description: "Who needs which second factor."},
	{Name: "clients", Description: "Applications."},
	{Name: "odoo", Description: "Connected Odoos."},
	{Name: "audit", Description: "The log of what happened."},
	{Name: "keys", Description: "The keys that sign tokens."},
	{Name: "messages", Description: "What mails and text messages say, and what became of them."},
	{Name: "house", Description: "Settings, gateways, brands, figures, reports."},
	{Name: "tokens", Description: "Tokens of this API."},
	{Name: "me", Description: "Who asks."},
}

func serviceScheme(issuer string) *huma.SecurityScheme {
	scopes := map[string]string{}
	for _, r := range idp.Rights() {
		if r != idp.MakeTokens {
			scopes[string(r)] = meanings[r]
		}
	}
	return &huma.SecurityScheme{
		Type: "oauth2", Description: "A client of type service that is registered for these scopes.",
		Flows: &huma.OAuthFlows{ClientCredentials: &huma.OAuthFlow{TokenURL: issuer + "/oauth2/token", Scopes: scopes}},
	}
}

// meanings are the rights in words.
var meanings = map[idp.Right]string{
	idp.SeePeople: "see people and groups", idp.HelpPeople: "help who cannot get in", idp.EditPeople: "add and change people and groups",
	idp.GrantRoles: "give and take roles", idp.SeeRules: "see policies", idp.EditRules: "change policies", idp.SeeClients: "see applications",
	idp.EditClients: "change applications", idp.SeeOdoo: "see connected Odoos", idp.EditOdoo: "change connected Odoos", idp.SeeHouse: "see messages and settings",
	idp.EditHouse: "change messages and settings", idp.SeeKeys: "see signing keys", idp.RotateKeys: "rotate signing keys",
	idp.SeeAudit: "read the log", idp.MakeTokens: "see and revoke tokens",
}

// Route is an operation as tests see it.
type Route struct {
	ID, Method, Path string
	Right            idp.Right // empty: any caller
}

// Routes lists the operations.
func (a *API) Routes() []Route { return a.routes }

// Document is the OpenAPI document without anything behind it, for people to
// read.
func Document(issuer string) []byte {
	text := New(Config{Issuer: issuer, Services: Services{People: &account.Help{Service: &account.Service{}}}}).OpenAPI()
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		panic(err) // we have just written it
	}
	return out.Bytes()
}

// OpenAPI is the document.
func (a *API) OpenAPI() []byte {
	a.once.Do(func() {
		var err error
		if a.document, err = json.Marshal(a.huma.OpenAPI()); err != nil {
			panic(err) // it is made of our own types, and a test makes it
		}
	})
	return a.document
}

type callerKey struct{}

func callerOf(ctx context.Context) gate.Caller {
	c, _ := ctx.Value(callerKey{}).(gate.Caller)
	return c
}

// ServeHTTP answers a request: who asks, how often; what for, and whether they may;
// what kind of body, and how much of it; whether it was asked before; then the
// operation. Nothing is read of a body before the right is known.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if r.URL.Path == DocumentPath && r.Method == http.MethodGet { // the same for everybody, and no secret
		h.Set("Content-Type", "application/openapi+json")
		h.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(a.OpenAPI()) // the reader may have gone away
		return
	}
	c, err := a.Gate.Admit(w, r)
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
	if err == nil {
		err = a.perform(w, r, c)
	}
	if err != nil {
		a.refuse(w, r, err)
	}
}

var errType = errors.New("api: not a type that is taken")

// empty reports whether a request has no body.
func empty(r *http.Request) bool { return r.ContentLength == 0 && len(r.TransferEncoding) == 0 }

// find is the operation that a request is for; what is not there is a problem, and
// answered.
func (a *API) find(w http.ResponseWriter, r *http.Request) (operation, bool) {
	handler, pattern := a.mux.Handler(r)
	if o, there := a.ops[pattern]; there {
		return o, true
	}
	quiet := &recorder{head: http.Header{}}
	handler.ServeHTTP(quiet, r)
	problem := model(http.StatusNotFound, "not-found", "There is nothing at this address.")
	if quiet.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", quiet.head.Get("Allow"))
		problem = model(http.StatusMethodNotAllowed, "method", "This address does not take this method.")
	}
	a.write(w, r, problem)
	return operation{}, false
}

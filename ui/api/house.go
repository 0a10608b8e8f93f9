package api

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/evidence"
	"latchkey/idp/settings"
)

// HouseSettings are the settings of the administration.
type HouseSettings struct {
	Assurance      string `json:"assurance" enum:"aal2,phr" doc:"What administrators prove at least; phr: a passkey."`
	SecondApprover bool   `json:"second_approver" doc:"A temporary code takes two administrators."`
	Sessions       int    `json:"sessions" minimum:"0" maximum:"100" doc:"How many sessions a person may have at once; 0: any number."`
	SelfClients    string `json:"self_clients,omitempty" enum:"off,token,open" doc:"Whether applications may register themselves: not (default), with a token that holds clients:write, or all."`
	SelfMost       int    `json:"self_clients_most,omitempty" minimum:"0" maximum:"10000" doc:"How many such there may be; 0: 100."`
	Version        int64  `json:"version" doc:"What was read; another version is not replaced."`
}

// RegistrationSettings say whether strangers may make an account of their own.
type RegistrationSettings struct {
	settings.Registration
	Version int64 `json:"version" doc:"What was read; another version is not replaced."`
}

// selfOff is settings.SelfOff in the API.
const selfOff = "off"

func viewSettings(h settings.House, version int64) HouseSettings {
	v := HouseSettings{h.Assurance, h.SecondApprover, h.Sessions, cmp.Or(h.SelfClients, selfOff), h.MostSelfClients(), version}
	if v.Assurance == "" {
		v.Assurance = idp.AAL2
	}
	return v
}

// Branded is a brand with what is to be known about its colours.
type Branded struct {
	Brand    brand.Brand     `json:"brand"`
	Warnings []brand.Warning `json:"warnings" doc:"Colours that are not used as they are, for pages stay readable."`
}

// houseAPI are the operations about settings, brands and the report.
type houseAPI struct{ *API }

func (a houseAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: path, tag: "house", summary: summary, right: right}
	}
	add(a.API, o("get-settings", http.MethodGet, "/settings", "Show the settings", idp.SeeHouse), func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[HouseSettings], error) {
		h, version, err := a.Settings.Read(ctx, by)
		return answer(viewSettings(h, version), err)
	})
	change := o("replace-settings", http.MethodPut, "/settings", "Replace the settings", idp.EditHouse)
	change.about = "Another rule about applications that register themselves takes clients:write, too."
	add(a.API, change, a.changeSettings)
	add(a.API, o("get-registration", http.MethodGet, "/settings/registration", "Show whether people may make their own account", idp.SeeHouse), func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[RegistrationSettings], error) {
		r, version, err := a.Settings.ReadRegistration(ctx, by)
		return answer(RegistrationSettings{r, version}, err)
	})
	registration := o("replace-registration", http.MethodPut, "/settings/registration", "Say whether people may make their own account", idp.EditHouse)
	registration.about = "While it is open, to open it, and for other groups it takes people:write, too."
	add(a.API, registration, a.changeRegistration)
	a.brands(o)
	report := o("make-evidence-report", http.MethodGet, "/reports/evidence", "Make the evidence report", idp.SeeAudit)
	report.about, report.files = "Takes people:read, too. The page of the administration is the one to print.", []string{"application/json", "text/csv"}
	send(a.API, report, a.evidence)
}

func (a houseAPI) changeSettings(ctx context.Context, by idp.Actor, in *struct{ Body HouseSettings }) (*body[HouseSettings], error) {
	b := in.Body
	if err := a.Settings.Change(ctx, by, b.Version, settings.House{
		Assurance: b.Assurance, SecondApprover: b.SecondApprover, Sessions: b.Sessions, SelfClients: strings.TrimPrefix(b.SelfClients, selfOff), SelfClientsMost: b.SelfMost,
	}); err != nil {
		return nil, err
	}
	h, version, err := a.Settings.Read(ctx, by)
	return answer(viewSettings(h, version), err)
}

func (a houseAPI) changeRegistration(ctx context.Context, by idp.Actor, in *struct{ Body RegistrationSettings }) (*body[RegistrationSettings], error) {
	if err := a.Settings.ChangeRegistration(ctx, by, in.Body.Version, in.Body.Registration); err != nil {
		return nil, err
	}
	r, version, err := a.Settings.ReadRegistration(ctx, by)
	return answer(RegistrationSettings{r, version}, err)
}

// brands are the operations about looks: of the house, and of an application
// where its people sign in.
func (a houseAPI) brands(o func(id, method, path, summary string, right idp.Right) operation) {
	add(a.API, o("get-brand", http.MethodGet, "/brand", "Show the brand of the house", idp.SeeHouse), func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[brand.Brand], error) {
		return answer(a.Brands.Get(ctx, by, ""))
	})
	add(a.API, o("replace-brand", http.MethodPut, "/brand", "Replace the brand of the house, but for its logos", idp.EditHouse), func(ctx context.Context, by idp.Actor, in *struct{ Body brand.Brand }) (*body[Branded], error) {
		return a.setBrand(ctx, by, "", in.Body)
	})
	add(a.API, o("reset-brand", http.MethodDelete, "/brand", "Take the brand of the house away, with its logos", idp.EditHouse), func(ctx context.Context, by idp.Actor, _ *struct{}) (*none, error) {
		return done(a.Brands.Reset(ctx, by, ""))
	})
	add(a.API, o("get-client-brand", http.MethodGet, "/clients/{client}/brand", "Show the brand of an application", idp.SeeHouse), func(ctx context.Context, by idp.Actor, in *AboutClient) (*body[brand.Brand], error) {
		return answer(a.Brands.Get(ctx, by, in.Client))
	})
	add(a.API, o("replace-client-brand", http.MethodPut, "/clients/{client}/brand", "Replace the brand of an application, but for its logos", idp.EditHouse), func(ctx context.Context, by idp.Actor, in *struct {
		AboutClient
		Body brand.Brand
	}) (*body[Branded], error) {
		return a.setBrand(ctx, by, in.Client, in.Body)
	})
	add(a.API, o("reset-client-brand", http.MethodDelete, "/clients/{client}/brand", "Take the brand of an application away, with its logos", idp.EditHouse), func(ctx context.Context, by idp.Actor, in *AboutClient) (*none, error) {
		return done(a.Brands.Reset(ctx, by, in.Client))
	})
}

func (a houseAPI) setBrand(ctx context.Context, by idp.Actor, id idp.ClientID, b brand.Brand) (*body[Branded], error) {
	warnings, err := a.Brands.Set(ctx, by, id, b)
	if err != nil {
		return nil, err
	}
	now, err := a.Brands.Get(ctx, by, id)
	return answer(Branded{now, warnings}, err)
}

func (a houseAPI) evidence(_ context.Context, _ idp.Actor, in *struct {
	Format string `query:"format" enum:"json,csv" default:"json"`
}) (*huma.StreamResponse, error) {
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/json"}[in.Format]
	return a.stream(kind, "evidence."+in.Format, func(ctx context.Context, by idp.Actor, w io.Writer) error {
		r, err := a.Evidence.Make(ctx, by, string(by.User))
		if err != nil {
			return err
		}
		if in.Format == "csv" {
			return evidence.WriteCSV(w, r)
		}
		return format.Marshal(w, r)
	}), nil
}

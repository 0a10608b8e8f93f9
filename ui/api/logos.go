package api

import (
	"context"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/picture"
)

// pictures are the types that a logo may have.
var pictures = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// Ground says for which pages a logo is.
type Ground struct {
	For string `path:"for" enum:"light,dark" doc:"Pages; the one for light pages is for dark ones, too, unless there is another."`
}

func (g Ground) dark() bool { return g.For == "dark" }

// Picture is a file with a picture.
type Picture struct {
	RawBody []byte
}

// logosAPI are the operations about the logos of brands.
type logosAPI struct{ *API }

func (a logosAPI) routes() {
	o := func(id, method, path, summary string) operation {
		return operation{id: id, method: method, path: path, tag: "house", summary: summary, right: idp.EditHouse}
	}
	put := func(id, path, summary string) operation {
		p := o(id, http.MethodPut, path, summary)
		p.takes, p.most = pictures, picture.MostBytes
		p.about = "A PNG, JPEG, GIF or WebP picture of up to 2 MiB. It is drawn anew as a PNG: nothing of the file survives but its pixels."
		return p
	}
	add(a.API, put("set-logo", "/brand/logo/{for}", "Give the house a logo"), func(ctx context.Context, by idp.Actor, in *struct {
		Ground
		Picture
	}) (*body[brand.Brand], error) {
		return a.set(ctx, by, "", in.dark(), in.RawBody)
	})
	add(a.API, o("remove-logo", http.MethodDelete, "/brand/logo/{for}", "Take a logo of the house away"), func(ctx context.Context, by idp.Actor, in *Ground) (*none, error) {
		return done(a.Brands.RemoveLogo(ctx, by, "", in.dark()))
	})
	add(a.API, put("set-client-logo", "/clients/{client}/brand/logo/{for}", "Give an application a logo"), func(ctx context.Context, by idp.Actor, in *struct {
		AboutClient
		Ground
		Picture
	}) (*body[brand.Brand], error) {
		return a.set(ctx, by, in.Client, in.dark(), in.RawBody)
	})
	add(a.API, o("remove-client-logo", http.MethodDelete, "/clients/{client}/brand/logo/{for}", "Take a logo of an application away"), func(ctx context.Context, by idp.Actor, in *struct {
		AboutClient
		Ground
	}) (*none, error) {
		return done(a.Brands.RemoveLogo(ctx, by, in.Client, in.dark()))
	})
	add(a.API, o("check-brand", http.MethodPost, "/brand/check", "Judge a brand without setting it"), func(_ context.Context, _ idp.Actor, in *struct{ Body brand.Brand }) (*body[Branded], error) {
		warnings, err := a.Brands.Check(in.Body)
		return answer(Branded{in.Body, warnings}, err)
	})
	list := o("list-brands", http.MethodGet, "/brands", "List the applications that look different from the house")
	list.right = idp.SeeHouse
	add(a.API, list, func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[idp.ClientID]], error) {
		all, err := a.Brands.Branded(ctx, by)
		return answer(Items[idp.ClientID]{all}, err)
	})
}

func (a logosAPI) set(ctx context.Context, by idp.Actor, id idp.ClientID, dark bool, file []byte) (*body[brand.Brand], error) {
	if err := a.Brands.SetLogo(ctx, by, id, dark, file); err != nil {
		return nil, err
	}
	return answer(a.Brands.Get(ctx, by, id))
}

package main

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/ui/demo"
)

// demoBrand is the shop's. The other door, Odoo's, keeps the looks of the house, so
// that one sees the difference.
var demoBrand = brand.Brand{
	Name:    "Demo shop",
	Colours: brand.Colours{Primary: "#0f766e", Accent: "#f59e0b"},
	Legal: []brand.Link{
		{Kind: brand.Privacy, URL: "https://shop.example.org/privacy"}, {Kind: brand.Imprint, URL: "https://shop.example.org/legal"},
		{Kind: brand.Help, URL: "mailto:help@shop.example.org"},
	},
	SignIn: brand.Words{
		"en": "New here? Your account comes with your first order.",
		"fr": "Nouveau client\u00a0? Votre compte est créé avec votre première commande.",
		"es": "¿Es su primera visita? Su cuenta se crea con el primer pedido.",
		"de": "Neu hier? Ihr Konto entsteht mit der ersten Bestellung.",
		"it": "È la prima volta? Il Suo account viene creato con il primo ordine.",
		"nl": "Bent u hier voor het eerst? Uw account wordt gemaakt bij uw eerste bestelling.",
	},
	Support: brand.Words{
		"en": "Questions? Call +33 1 23 45 67 89, on weekdays from 9 to 17.",
		"fr": "Des questions\u00a0? Appelez le +33 1 23 45 67 89, en semaine de 9 h à 17 h.",
		"es": "¿Preguntas? Llame al +33 1 23 45 67 89, de lunes a viernes de 9 a 17.",
		"de": "Fragen? Rufen Sie +33 1 23 45 67 89 an, werktags von 9 bis 17 Uhr.",
		"it": "Domande? Chiami il +33 1 23 45 67 89, nei giorni feriali dalle 9 alle 17.",
		"nl": "Vragen? Bel +33 1 23 45 67 89, op werkdagen van 9 tot 17 uur.",
	},
}

// dress gives the shop its brand; its client is made anew at each start.
func (d demoStage) dress(ctx context.Context) error {
	host := idp.Actor{Host: true}
	if _, err := d.brands.Set(ctx, host, demoCodeClient, demoBrand); err != nil {
		return err
	}
	return d.brands.SetLogo(ctx, host, demoCodeClient, false, demo.Logo)
}

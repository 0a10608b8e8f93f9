package connector

import "strings"

// findingSentences are what findings say: the name of a check, and which of its
// sentences if it has several.
var findingSentences = map[string]string{ //nolint:gosec // words about API keys and tokens, none of them one
	"api_keys":                   "API keys pass every second factor; there are %d: %s",
	"break_glass":                "these keep a password of Odoo's on purpose: %s",
	"button":                     "%s/web/login shows no button that leads here (status %d)",
	"client.disabled":            "the client %s is disabled",
	"client.gone":                "the client %s is gone",
	"clock":                      "the clocks are %s apart",
	"contact":                    "Odoo says no more about it",
	"copy":                       "its database.uuid is that of the connection %s, too: one is a copy of the other",
	"duplicates":                 "%d addresses belong to several active users of Odoo: %s",
	"flow":                       "at %s, Odoo asks with response_type %q, which the application may not use",
	"header_parameter":           "the system parameter auth_oauth.authorization_header is set: Odoo sends tokens in a header",
	"hosts":                      "people cannot come back to %s, an address of this Odoo that is not registered",
	"issuer.other":               "%s answers %d to a test token",
	"issuer.silent":              "%s does not answer",
	"key_expiry":                 "the API key %q of %s expires on %s",
	"label":                      "the button on Odoo's login page has no words in %s",
	"local_passwords":            "%d linked users can still sign in with a password of Odoo's, without a second factor: %s",
	"module":                     "Odoo's own module auth_oauth is not installed",
	"odoo_totp":                  "Odoo asks %d linked users for a code of its own, after ours: %s",
	"other_providers.off":        "%d users are linked to the OAuth provider %q (row %d, %s), which is switched off, but still taken",
	"other_providers.on":         "%d users are linked to the OAuth provider %q (row %d, %s), which is switched on",
	"password_reset":             "Odoo mails anybody a way to a new password there, past the second factor",
	"provider_row.gone":          "Odoo's row %d for Latchkey is gone",
	"provider_row.wrong":         "row %d of Odoo's OAuth providers is wrong in %s",
	"redirect_uri":               "at %s, Odoo asks people to be sent back to %s, which is not registered",
	"screen_lock":                "%d groups lock Odoo's screen when somebody is away for a while, and ask for a password of Odoo's: %s",
	"sign_up":                    "anybody may sign up in Odoo with a password there (%s = b2c), and whoever is not linked becomes a second user",
	"signed_in_past_us.key":      "%d locked users who have API keys or passkeys of Odoo's signed in to Odoo, and not through Latchkey; these are ways in of their own: %s",
	"signed_in_past_us.password": "%d locked users signed in to Odoo, and not through Latchkey; so a password was set for them since: %s",
	"snippet":                    "the snippet on the website %s is not the present one",
	"token_as_password":          "Odoo %d takes a stored token as a password, and this client keeps one token for long",
	"totp_policy":                "Odoo demands a second factor of its own (%s = %s), so people are asked twice",
	"unlinked":                   "%d users of Odoo are not linked and cannot come in through Latchkey: %s",
	"unread":                     "it could not be read in Odoo",
	"validation":                 "Odoo's server did not ask %s about a test token (it answered %d, %s)",
	"version":                    "Odoo was %s when it was looked at last, and is %s",
	"waiting":                    "%d ended sessions could not be told to Odoo",
}

// one is a finding that says one of [Sentences], with its facts.
func one(says string, l Level, cure string, facts ...any) Finding {
	check, _, _ := strings.Cut(says, ".")
	n := say(says, facts...)
	return Finding{Check: check, Level: l, Cure: cure, Evidence: n.Text, Said: n.Said}
}

// failing is a finding that Odoo, or the way to it, failed.
func failing(check string, err error, cure string) Finding {
	f := Finding{Check: check, Level: Problem, Cure: cure, Evidence: err.Error(), Said: Why(err).Said}
	if f.Says == "" && f.Detail == "" {
		f.Said = say("contact").Said // the check itself says what it is
	}
	return f
}

// note is a finding as a note, with what cures it.
func (f Finding) note() Note {
	return Note{Text: f.Evidence + "; " + f.Cure, Said: f.Said, Check: f.Check}
}

// because adds what a machine said.
func (f Finding) because(detail string) Finding {
	if detail != "" {
		f.Detail = detail
		f.Evidence += ": " + detail
	}
	return f
}

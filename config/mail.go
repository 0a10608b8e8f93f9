package config

import (
	"net/mail"
	"net/url"
	"strings"
	"unicode"
)

// isMailbox accepts a bare address.
func isMailbox(v string) bool {
	a, err := mail.ParseAddress(v)
	return err == nil && a.Address == v
}

// isCorrespondent accepts an address with or without a name, on one line: what
// breaks a line could become a header of its own (E-11).
func isCorrespondent(v string) bool {
	a, err := mail.ParseAddress(v)
	return err == nil && isMailbox(a.Address) && !strings.ContainsFunc(a.Name, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// Sender is who mails come from, as far as that is set: a bare address, and the
// name beside it.
func (m Mail) Sender() (name, address string) {
	a, err := mail.ParseAddress(m.From)
	if err != nil {
		return "", ""
	}
	return a.Name, a.Address
}

// refuseMail refuses half an OAuth client, and tokens that others could read on
// the way (C-07).
func (c Config) refuseMail(refuse func(key, val, allowed string)) {
	o := c.Mail.OAuth
	if o == (MailOAuth{}) {
		return
	}
	for _, part := range []struct{ key, val, what string }{
		{"mail.oauth.token_url", o.TokenURL, "the address where the token is got, such as https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"},
		{"mail.oauth.client_id", o.ClientID, "the id of the application that asks for the token"},
		{"mail.oauth.client_secret", o.ClientSecret, "the secret of the application that asks for the token"},
		{"mail.smtp_url", c.Mail.SMTPURL, "the mail server that the token is for, such as smtp://smtp.office365.com:587"},
	} {
		if part.val == "" {
			refuse(part.key, "", part.what+", as another key of mail.oauth is set")
		}
	}
	if u, err := url.Parse(o.TokenURL); err == nil && u.Scheme == "http" && !loopbackHost(u.Hostname()) {
		refuse("mail.oauth.token_url", o.TokenURL, "https, as the secret goes there; http only on a loopback address")
	}
	u, err := url.Parse(c.Mail.SMTPURL)
	if err != nil || c.Mail.SMTPURL == "" {
		return
	}
	if _, password := u.User.Password(); password {
		refuse("mail.smtp_url", c.Mail.SMTPURL, "no password, as mail.oauth is set: the token takes its place")
	}
	if u.Query().Get("tls") == "none" {
		refuse("mail.smtp_url", c.Mail.SMTPURL, "TLS, as mail.oauth is set: a token is as good as a password")
	}
	if u.User.Username() == "" && c.Mail.From == "" {
		refuse("mail.from", "", "the address of the mailbox that the token is for, or name the mailbox in mail.smtp_url, such as smtp://latchkey%40example.org@smtp.office365.com:587")
	}
}

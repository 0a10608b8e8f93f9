package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"latchkey/idp"
	"latchkey/idp/trace"
)

// SMTP hands mail to a server. It is safe for concurrent use.
type SMTP struct {
	host    string
	options []gomail.Option
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	from    mail.Address
	replyTo *mail.Address // nil: answers go to the sender
	domain  string        // of message ids
	user    string        // the mailbox that tokens are for
	tokens  Tokens        // nil: a password, or nothing
}

// SMTPConfig says where mail goes.
type SMTPConfig struct {
	// URL is smtp://[user:password@]host[:port], where TLS begins with
	// STARTTLS, or smtps://, where it is there from the start. The server must
	// prove its name. Only a server on this very machine that is given no
	// password may do without; for any other, ?tls=none must say so, and never
	// together with a password (SECURITY.md C-07).
	URL  string
	From string // bare address, of the header and of the envelope
	Name string // shown beside it
	// ReplyTo is an address with or without a name; empty: none.
	ReplyTo string
	// Tokens are shown in place of a password. They are for the user of URL, or
	// else for the sender.
	Tokens Tokens
	Roots  *x509.CertPool // who vouches for the server; nil: the system's
	// Timeout is how long connecting may take, and then each message; default 10 s.
	Timeout time.Duration
}

// NewSMTP checks the configuration; mistakes wrap idp.ErrInvalid. It does not
// connect.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || strings.Trim(u.Path, "/") != "" {
		// The address is not repeated: it may hold a password.
		return nil, fmt.Errorf("%w: mail server: smtp://[user:password@]host:port or smtps://… is expected", idp.ErrInvalid)
	}
	m := Message{Channel: Mail, To: c.From, Subject: c.Name}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("%w: mail sender %q: %w", idp.ErrInvalid, c.From, err)
	}
	s := &SMTP{host: u.Hostname(), from: mail.Address{Name: c.Name, Address: c.From}, tokens: c.Tokens}
	_, s.domain, _ = strings.Cut(c.From, "@")
	if s.replyTo, err = answersTo(c.ReplyTo); err != nil {
		return nil, err
	}
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	policy, config, err := security(u, c.Roots, c.Tokens != nil)
	if err != nil {
		return nil, err
	}
	s.dial = new(net.Dialer).DialContext
	if u.Scheme == "smtps" {
		s.dial = (&tls.Dialer{Config: config}).DialContext
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	s.options = []gomail.Option{
		gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(config), gomail.WithPort(port), gomail.WithTimeout(c.Timeout),
	}
	if err := s.mailbox(u.User, c); err != nil {
		return nil, err
	}
	// The library reports some mistakes only when it makes a client.
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, fmt.Errorf("%w: mail server: %w", idp.ErrInvalid, err)
	}
	return s, nil
}

// mailbox notes who signs in at the server, and with what.
func (s *SMTP) mailbox(who *url.Userinfo, c SMTPConfig) error {
	user := who.Username()
	switch password, has := who.Password(); {
	case c.Tokens != nil && has:
		return fmt.Errorf("%w: mail server: a password and tokens exclude each other", idp.ErrInvalid)
	case c.Tokens != nil:
		s.user = cmp.Or(user, c.From)
	case user != "":
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(user), gomail.WithPassword(password))
	}
	return nil
}

func portOf(u *url.URL) (int, error) {
	if u.Port() == "" {
		return map[string]int{"smtp": 587, "smtps": 465}[u.Scheme], nil
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("%w: mail server: the port is a number from 1 to 65535", idp.ErrInvalid)
	}
	return n, nil
}

// security decides how much of TLS a server must offer after the greeting.
func security(u *url.URL, roots *x509.CertPool, token bool) (gomail.TLSPolicy, *tls.Config, error) {
	choice, password := u.Query().Get("tls"), u.User != nil || token // a token is as good as a password
	t := &tls.Config{ServerName: u.Hostname(), RootCAs: roots, MinVersion: tls.VersionTLS12}
	switch {
	case choice != "" && choice != "none" || choice == "none" && (password || u.Scheme == "smtps"):
		return 0, nil, fmt.Errorf("%w: mail server: tls=none is allowed, with smtp:// and without a password", idp.ErrInvalid)
	case u.Scheme == "smtps":
		return gomail.TLSOpportunistic, t, nil // TLS is there before the greeting, and is not offered again
	case choice == "none":
		return gomail.NoTLS, t, nil
	case !password && loopback(u.Hostname()):
		// Nobody stands between this machine and itself, and the relay there
		// usually has a certificate that no one signed.
		t.InsecureSkipVerify = true
		return gomail.TLSOpportunistic, t, nil
	}
	return gomail.TLSMandatory, t, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Hand is Send, and names the server.
func (s *SMTP) Hand(ctx context.Context, m Message) (Receipt, error) {
	return Receipt{By: s.host}, s.Send(ctx, m)
}

// Send hands one message over, in a conversation of its own.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	if err := m.Check(); err != nil {
		return err
	}
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	return s.talk(ctx, func(c *gomail.Client, line *smtp.Client) error {
		err := c.SendWithSMTPClient(line, msg)
		if msg.IsDelivered() {
			return nil // what goes wrong in taking leave must not send it again
		}
		if err == nil {
			err = errors.New("mail: the server did not confirm the message")
		}
		return s.explained(err)
	})
}

// Probe connects, begins TLS, shows the password or the token and names the
// sender as Send does, and sends nothing. Some servers judge a sender only when
// there is a message: of those it learns nothing.
func (s *SMTP) Probe(ctx context.Context) error {
	return s.talk(ctx, func(_ *gomail.Client, line *smtp.Client) error {
		if err := line.Mail(s.from.Address); err != nil {
			return s.explained(&refusedSender{err})
		}
		return line.Reset()
	})
}

// talk has one conversation with the server. The end of ctx hangs up.
func (s *SMTP) talk(ctx context.Context, do func(*gomail.Client, *smtp.Client) error) (err error) {
	ctx, span := trace.Call(ctx, "SMTP", trace.Server(s.host))
	defer func() { span.End(err) }()
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	c, line, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.CloseWithSMTPClient(line) }() // how it takes leave says nothing
	return do(c, line)
}

// client is good for one conversation. The library leaves the line open when
// TLS or the password fails, and heeds ctx only until it is connected: the end
// of ctx hangs up.
func (s *SMTP) client(ctx context.Context, more ...gomail.Option) (*gomail.Client, error) {
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	return gomail.NewClient(s.host, slices.Concat(s.options, more, []gomail.Option{gomail.WithDialContextFunc(dial)})...)
}

// compose makes the mail. Two tries at one message differ in nothing, so that
// a copy after a crash is recognised by its Message-ID (RFC 5322 §3.6.4).
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.FromFormat(s.from.Name, s.from.Address), msg.To(m.To)); err != nil {
		return nil, err
	}
	if s.replyTo != nil {
		if err := msg.ReplyToFormat(s.replyTo.Name, s.replyTo.Address); err != nil {
			return nil, err
		}
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID + "@" + s.domain)
	msg.SetDateWithValue(m.Created)
	// Nobody's holiday note is to answer (RFC 3834 §5).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// SenderAddress is the address that mail comes from unless another one is set:
// noreply at the issuer's host.
func SenderAddress(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("%w: the issuer %q is no URL", idp.ErrInvalid, issuer)
	}
	host := u.Hostname()
	if net.ParseIP(host) != nil { // somebody tries it out; no server takes mail from a number
		host = "localhost"
	}
	return "noreply@" + host, nil
}

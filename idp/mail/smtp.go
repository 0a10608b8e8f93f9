package mail

import (
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

	"latchkey/idp"
)

// SMTP hands mail to a server. It is safe for concurrent use.
type SMTP struct {
	host    string
	options []gomail.Option
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	from    mail.Address
	domain  string // of message ids
}

// SMTPConfig says where mail goes.
type SMTPConfig struct {
	// URL is smtp://[user:password@]host[:port], where TLS begins with
	// STARTTLS, or smtps://, where it is there from the start. The server must
	// prove its name. Only a server on this very machine that is given no
	// password may do without; for any other, ?tls=none must say so, and never
	// together with a password (SECURITY.md C-07).
	URL   string
	From  string         // bare address
	Name  string         // shown beside it
	Roots *x509.CertPool // who vouches for the server; nil: the system's
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
	s := &SMTP{host: u.Hostname(), from: mail.Address{Name: c.Name, Address: c.From}}
	_, s.domain, _ = strings.Cut(c.From, "@")
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	policy, config, err := security(u, c.Roots)
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
	if user := u.User.Username(); user != "" {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(user), gomail.WithPassword(password))
	}
	// The library reports some mistakes only when it makes a client.
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, fmt.Errorf("%w: mail server: %w", idp.ErrInvalid, err)
	}
	return s, nil
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
func security(u *url.URL, roots *x509.CertPool) (gomail.TLSPolicy, *tls.Config, error) {
	choice, password := u.Query().Get("tls"), u.User != nil
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
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	err = c.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // what goes wrong in taking leave must not send it again
	}
	if err == nil {
		err = errors.New("mail: the server did not confirm the message")
	}
	return err
}

// Probe connects, begins TLS and shows the password as Send does, and sends
// nothing.
func (s *SMTP) Probe(ctx context.Context) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return err
	}
	_ = c.Close() // it has answered; how it takes leave says nothing
	return nil
}

// client is good for one conversation. The library leaves the line open when
// TLS or the password fails, and heeds ctx only until it is connected: the end
// of ctx hangs up.
func (s *SMTP) client(ctx context.Context) (*gomail.Client, error) {
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	return gomail.NewClient(s.host, append(slices.Clone(s.options), gomail.WithDialContextFunc(dial))...)
}

// compose makes the mail. Two tries at one message differ in nothing, so that
// a copy after a crash is recognised by its Message-ID (RFC 5322 §3.6.4).
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.FromFormat(s.from.Name, s.from.Address), msg.To(m.To)); err != nil {
		return nil, err
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

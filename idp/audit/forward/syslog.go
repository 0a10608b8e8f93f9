package forward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/idp/audit"
)

// How long connecting to a syslog server, and writing a portion, may take.
const syslogLimit = 10 * time.Second

// longestDatagram is what every receiver of syslog over UDP should take (RFC 5426
// §3.2).
const longestDatagram = 2048

// Syslog writes events to a syslog server as RFC 5424 has them: over TLS (RFC
// 5425), TCP with counted octets (RFC 6587 §3.4.1) or UDP (RFC 5426). The protocol
// has no receipt: of what was written just before a connection broke something may
// be lost.
type Syslog struct {
	Network string // tls, tcp or udp
	Address string // host:port
	Roots   *x509.CertPool
	Host    string // this house, as HOSTNAME
	conn    net.Conn
}

// Name is that of the cursor.
func (*Syslog) Name() string { return "syslog" }

// Send connects when it has to. It is called by one goroutine at a time.
func (s *Syslog) Send(ctx context.Context, records []audit.Record) error {
	if s.conn == nil {
		conn, err := s.dial(ctx)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	if err := s.write(records); err != nil {
		_ = s.conn.Close() // it is broken
		s.conn = nil
		return err
	}
	return nil
}

func (s *Syslog) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, syslogLimit)
	defer cancel()
	if s.Network != "tls" {
		return (&net.Dialer{}).DialContext(ctx, s.Network, s.Address)
	}
	return (&tls.Dialer{Config: &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", s.Address)
}

func (s *Syslog) write(records []audit.Record) error {
	if err := s.conn.SetDeadline(time.Now().Add(syslogLimit)); err != nil { // of the kernel, which knows no other clock
		return err
	}
	var frames []byte
	for _, r := range records {
		m, err := s.message(r)
		if err != nil {
			return err
		}
		if s.Network == "udp" {
			if _, err := s.conn.Write(cut(m, longestDatagram)); err != nil {
				return err
			}
			continue
		}
		frames = strconv.AppendInt(frames, int64(len(m)), 10)
		frames = append(append(frames, ' '), m...)
	}
	if len(frames) == 0 {
		return nil
	}
	_, err := s.conn.Write(frames)
	return err
}

// Facility and severities (RFC 5424 §6.2.1).
const (
	logAudit = 13
	warning  = 4
	info     = 6
)

// enterprise is the number that RFC 5612 keeps for documentation: this program has
// none of its own, and names without a number are IANA's.
const enterprise = "32473"

// message writes an event (RFC 5424 §6). What happened is in the structured data
// and, for whoever has no reader of it, as JSON in the text.
func (s *Syslog) message(r audit.Record) ([]byte, error) {
	if r.Event == nil {
		text, err := json.Marshal(r.Mark)
		return s.format(logAudit*8+info, r.Mark.At, "checkpoint", []param{
			{"seq", strconv.FormatInt(r.Mark.Seq, 10)}, {"hash", r.Mark.Hash}, {"key", r.Mark.Key}, {"signature", r.Mark.Signature},
		}, text), err
	}
	e := r.Event
	severity := info
	if e.Result != "ok" {
		severity = warning
	}
	text, err := json.Marshal(e)
	return s.format(logAudit*8+severity, e.At, e.What, []param{
		{"id", e.ID}, {"result", e.Result}, {"user", string(e.User)}, {"actor", string(e.Actor)}, {"client", string(e.Client)},
		{"session", string(e.Session)}, {"method", e.Method}, {"ip", e.IP}, {"request", e.Request}, {"seq", strconv.FormatInt(e.Seq, 10)}, {"hash", e.Hash},
	}, text), err
}

type param struct{ name, value string }

func (s *Syslog) format(priority int, at time.Time, kind string, data []param, text []byte) []byte {
	b := fmt.Appendf(nil, "<%d>1 %s %s latchkey %d %s [event@%s", priority, at.UTC().Format("2006-01-02T15:04:05.000Z"), header(s.Host, 255), os.Getpid(), header(kind, 32), enterprise)
	for _, p := range data {
		if p.value != "" {
			b = append(b, ' ')
			b = append(append(b, p.name...), `="`...)
			b = append(append(b, escaper.Replace(oneLine(p.value))...), '"')
		}
	}
	b = append(b, "] \xEF\xBB\xBF"...) // what follows is UTF-8
	return append(b, text...)
}

// escaper is for the values of structured data (RFC 5424 §6.3.3).
var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// header keeps what may stand in a header's field: printable ASCII without blanks.
func header(text string, longest int) string {
	out := []byte(text)
	out = slices.DeleteFunc(out, func(c byte) bool { return c <= ' ' || c > '~' })
	if len(out) == 0 {
		return "-"
	}
	return string(out[:min(len(out), longest)])
}

// oneLine keeps people's texts from making lines of their own at receivers that
// part by line feeds (SECURITY.md D-11).
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// cut shortens a message without splitting a character.
func cut(m []byte, longest int) []byte {
	if len(m) <= longest {
		return m
	}
	m = m[:longest]
	for len(m) > 0 {
		if r, n := utf8.DecodeLastRune(m); r != utf8.RuneError || n > 1 {
			break
		}
		m = m[:len(m)-1]
	}
	return m
}

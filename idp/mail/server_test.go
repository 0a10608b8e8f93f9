package mail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is a mail server on loopback: as much of RFC 5321 as a client needs,
// with faults on demand.
type server struct {
	ln   net.Listener
	cert *tls.Certificate // offers STARTTLS
	auth bool             // offers AUTH once TLS is on, or without TLS when there is no cert

	mu       sync.Mutex
	mails    []letter
	heard    []string          // every command, of all conversations
	answers  map[string]string // by verb, instead of the usual answer; BODY: to what a message says
	hang     bool              // says nothing after the first line
	hungUp   bool              // closes the line right after it has taken a message
	password string
	shown    []string // what was shown by XOAUTH2
	tokens   []string // offers XOAUTH2 instead of PLAIN, and takes these
}

type letter struct {
	from, data string
	to         []string
	secure     bool
}

func listen(t *testing.T, set func(*server)) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{ln: ln, answers: map[string]string{}}
	if set != nil {
		set(s)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := s.ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.talk(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	return s
}

func (s *server) url(user string) string {
	if user != "" {
		user += "@"
	}
	return "smtp://" + user + s.ln.Addr().String()
}

func (s *server) set(verb, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.answers, verb)
	if answer != "" {
		s.answers[verb] = answer
	}
}

func (s *server) answer(verb string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, other := s.answers[verb]
	return answer, other
}

func (s *server) got() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]letter(nil), s.mails...)
}

func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.heard, "\n")
}

func (s *server) talk(c net.Conn) {
	defer func() { c.Close() }()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(c)
	say := func(lines string) { c.Write([]byte(lines + "\r\n")) }
	if s.hang {
		r.ReadByte()
		return
	}
	say("220 mail.test ESMTP")
	var m letter
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		s.mu.Lock()
		s.heard = append(s.heard, line)
		s.mu.Unlock()
		if answer, other := s.answer(verb); other {
			say(answer)
			continue
		}
		switch verb {
		case "EHLO":
			say(s.offers(m.secure))
		case "STARTTLS":
			say("220 go ahead")
			c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*s.cert}})
			r, m.secure = bufio.NewReader(c), true
		case "AUTH":
			if s.tokens != nil {
				s.xoauth2(rest, r, say)
				continue
			}
			b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			s.mu.Lock()
			s.password = string(b)
			s.mu.Unlock()
			say("235 welcome")
		case "MAIL":
			m.from = rest
			say("250 ok")
		case "RCPT":
			m.to = append(m.to, rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			m.data = readData(r)
			if answer, no := s.answer("BODY"); no {
				say(answer)
				m = letter{secure: m.secure}
				continue
			}
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			say("250 taken")
			m = letter{secure: m.secure}
			if s.hungUp {
				return
			}
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// xoauth2 is the server's side of what Google and Microsoft describe: a token
// that is not good is answered with a challenge that tells why, the client says
// nothing to it, and then comes the refusal.
func (s *server) xoauth2(rest string, r *bufio.Reader, say func(string)) {
	b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "XOAUTH2 "))
	s.mu.Lock()
	s.shown = append(s.shown, string(b))
	good := slices.ContainsFunc(s.tokens, func(t string) bool {
		return string(b) == "user=box@example.org\x01auth=Bearer "+t+"\x01\x01"
	})
	s.mu.Unlock()
	if good {
		say("235 2.7.0 welcome")
		return
	}
	say("334 " + base64.StdEncoding.EncodeToString([]byte(`{"status":"401"}`)))
	if line, err := r.ReadString('\n'); err != nil || strings.TrimSpace(line) != "" {
		say("501 5.5.2 nothing was expected")
		return
	}
	say("535 5.7.3 Authentication unsuccessful")
}

func (s *server) offers(secure bool) string {
	out := "250-mail.test"
	if s.cert != nil && !secure {
		out += "\r\n250-STARTTLS"
	}
	if s.auth && (secure || s.cert == nil) {
		mechanism := "PLAIN"
		if s.tokens != nil {
			mechanism = "LOGIN XOAUTH2"
		}
		out += "\r\n250-AUTH " + mechanism
	}
	return out + "\r\n250 8BITMIME"
}

func readData(r *bufio.Reader) string {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return b.String()
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}

// certificate makes one for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// program is the real program: a process of its own for each command and for
// the server, on an embedded database, with mail and text messages that go to
// sinks.
type program struct {
	t    *testing.T
	env  []string
	url  string
	mail *sink
	sms  []*sink // gateways, in their order
	kill func()
}

func newProgram(t *testing.T, env ...string) *program {
	t.Helper()
	at := loopback(freePorts(t, 1))
	p := &program{t: t, url: "http://" + at, mail: newMailSink(t), sms: []*sink{newTextSink(t), newTextSink(t)}, kill: func() {}}
	var gateways []map[string]any
	for i, s := range p.sms {
		gateways = append(gateways, map[string]any{"name": []string{"first", "second"}[i], "type": "http", "url": s.url})
	}
	list, err := json.Marshal(gateways)
	if err != nil {
		t.Fatal(err)
	}
	p.env = append(append(os.Environ(), "LATCHKEY_LISTEN="+at, "LATCHKEY_ISSUER="+p.url, "LATCHKEY_DATA_DIR="+t.TempDir(),
		"LATCHKEY_MAIL_SMTP_URL="+p.mail.url, "LATCHKEY_MAIL_ADMIN=operator@example.org", "LATCHKEY_SMS_GATEWAYS="+string(list), "LATCHKEY_SMS_TIMEOUT=500ms"), env...)
	t.Cleanup(func() { p.kill() })
	return p
}

// run is a command of the operator.
func (p *program) run(input string, args ...string) string {
	p.t.Helper()
	cmd := exec.Command("latchkey", args...)
	cmd.Env, cmd.Stdin = p.env, strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// add makes a person with the right password, whose e-mail and phone are known.
func (p *program) add(email string, more ...string) {
	p.t.Helper()
	p.run(rightPassword+"\n", append([]string{"user", "add", "--email", email, "--name", email, "--verified", "--password-stdin"}, more...)...)
}

func (p *program) policy(text string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "policies.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.run("", "policy", "apply", file)
}

// start starts the server; kill ends it without a word, as a crash does.
func (p *program) start() {
	p.t.Helper()
	cmd := exec.Command("latchkey", "serve")
	var log bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, &log, &log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	p.kill = sync.OnceFunc(func() { _ = cmd.Process.Kill(); <-ended })
	p.t.Cleanup(func() {
		if p.kill(); p.t.Failed() {
			p.t.Log(log.String())
		}
	})
	p.until("the server is ready", func() bool {
		select {
		case <-ended:
			p.t.Fatal("the server has ended by itself")
		default:
		}
		resp, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (p *program) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("never: %s", what)
		}
	}
}

func (p *program) person() *person { return (&world{t: p.t, url: p.url}).person() }

// sink takes what is sent, or misbehaves: it refuses, hangs or drips.
type sink struct {
	url  string
	over chan struct{}

	mu   sync.Mutex
	how  string
	got  []sent
	seen int // tries, also in vain
}

// sent is a mail or a text message.
type sent struct{ to, subject, text string }

func (s *sink) behave(how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.how, s.got, s.seen = how, nil, 0
}

// comes counts a try and says how to answer it.
func (s *sink) comes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	return s.how
}

func (s *sink) tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *sink) take(m sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, m)
}

func (s *sink) to(whom string) (out []sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.got {
		if m.to == whom {
			out = append(out, m)
		}
	}
	return out
}

// write says something at once, or a byte at a time.
func (s *sink) write(c net.Conn, how, text string) bool {
	if how != "drips" {
		_, err := c.Write([]byte(text))
		return err == nil
	}
	for _, b := range []byte(text) {
		select {
		case <-s.over:
			return false
		case <-time.After(200 * time.Millisecond):
		}
		if _, err := c.Write([]byte{b}); err != nil {
			return false
		}
	}
	return true
}

func newTextSink(t *testing.T) *sink {
	s := &sink{over: make(chan struct{})}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ To, Text string }
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		switch how := s.comes(); how {
		case "refuses":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "hangs":
			<-s.over
		case "drips":
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				s.write(c, how, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				c.Close()
			}
		default:
			s.take(sent{to: m.To, text: m.Text})
		}
	}))
	s.url = h.URL
	t.Cleanup(func() { close(s.over); h.CloseClientConnections(); h.Close() })
	return s
}

func newMailSink(t *testing.T) *sink {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{url: "smtp://" + ln.Addr().String(), over: make(chan struct{})}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				s.talk(t, c)
			})
		}
	})
	t.Cleanup(func() { close(s.over); ln.Close(); all.Wait() })
	return s
}

// talk is as much of RFC 5321 as taking mails needs.
func (s *sink) talk(t *testing.T, c net.Conn) {
	how := s.comes()
	if how == "hangs" {
		<-s.over
		return
	}
	go func() { <-s.over; c.Close() }()
	r, to := bufio.NewReader(c), ""
	for answer := "220 mail.test ESMTP"; s.write(c, how, answer+"\r\n"); {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch answer = "250 ok"; strings.ToUpper(verb) {
		case "MAIL":
			if how == "refuses" {
				answer = "451 not now"
			}
		case "RCPT":
			_, to, _ = strings.Cut(strings.TrimSuffix(rest, ">"), "<")
		case "DATA":
			if !s.write(c, how, "354 go on\r\n") {
				return
			}
			var data strings.Builder
			for line, err = r.ReadString('\n'); err == nil && line != ".\r\n"; line, err = r.ReadString('\n') {
				data.WriteString(line)
			}
			if err != nil {
				return
			}
			s.take(letterOf(t, to, data.String()))
		case "QUIT":
			s.write(c, how, "221 bye\r\n")
			return
		}
	}
}

// letterOf reads subject and plain text of a mail.
func letterOf(t *testing.T, to, data string) sent {
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Error(err)
		return sent{to: to}
	}
	out := sent{to: to}
	if out.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Error(err)
	}
	_, with, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Error(err)
		return out
	}
	part, err := multipart.NewReader(m.Body, with["boundary"]).NextRawPart()
	if err != nil {
		t.Error(err)
		return out
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(quotedprintable.NewReader(part)); err != nil {
		t.Error(err)
	}
	out.text = text.String()
	return out
}

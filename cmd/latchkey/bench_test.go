package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
)

// atOnce is how many clients load the server.
const atOnce = 8

// plant is a server process of its own, so that its CPU time can be told from
// the load's.
type plant struct {
	b     *testing.B
	base  *base
	url   string
	pid   int
	shop  oidc.Registered
	web   oidc.Registered
	hash  string
	users int
}

func newPlant(b *testing.B, kind string) *plant {
	b.Helper()
	dir := b.TempDir()
	db := "sqlite:" + dir + "/bench.db"
	if kind == "postgres" {
		db = storetest.Postgres(b)
	}
	at := loopback(freePorts(b, 1))
	env := []string{
		"LATCHKEY_LISTEN=" + at, "LATCHKEY_ISSUER=http://" + at, "LATCHKEY_DATA_DIR=" + dir, "LATCHKEY_DATABASE_URL=" + db,
		"LATCHKEY_LIMITS_ADDRESS_TRIES=10000", "LATCHKEY_SESSIONS_IDLE=12h",
	}
	cfg, err := config.Load("", env)
	if err != nil {
		b.Fatal(err)
	}
	p := &plant{b: b, url: "http://" + at}
	if p.base, err = openAt(b.Context(), cfg, time.Now, true); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.base.close() })
	p.fill()
	p.start(dir, env)
	return p
}

func (p *plant) fill() {
	ctx := context.Background()
	var err error
	if p.hash, err = p.base.proofs.hasher.Hash(ctx, rightPassword); err != nil {
		p.b.Fatal(err)
	}
	add := func(in oidc.Input) oidc.Registered {
		n, err := oidc.NewClient(in, time.Now())
		if err != nil {
			p.b.Fatal(err)
		}
		if err := p.base.db.Clients.Add(ctx, n.Client); err != nil {
			p.b.Fatal(err)
		}
		return n
	}
	p.shop = add(oidc.Input{ID: "odoo", Name: "Shop", Type: oidc.Odoo, RedirectURIs: []string{shopCallback}, Trusted: true})
	p.web = add(oidc.Input{
		ID: "web", Name: "Web", Type: oidc.Web, RedirectURIs: []string{"https://app.example.org/cb"}, Trusted: true, IDTokenAlg: "ES256",
		GrantTypes: []string{"authorization_code", "refresh_token"},
	})
}

func (p *plant) start(dir string, env []string) {
	bin := filepath.Join(dir, "latchkey")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, ".") // as `make build` does
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		p.b.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin, "serve")
	cmd.Env = append(os.Environ(), env...)
	var log bytes.Buffer
	cmd.Stderr = &log
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		p.b.Fatal(err)
	}
	p.b.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	p.pid = cmd.Process.Pid
	for time.Since(begun) < 20*time.Second {
		if resp, err := http.Get(p.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.b.Fatalf("the server does not get ready:\n%s", log.String())
}

// cpu is the processor time that the server has used.
func (p *plant) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // clock ticks of 1/100 s
}

// load runs f b.N times from several clients and reports flows per second,
// p50, p99 and the server's CPU time per flow.
func (p *plant) load(b *testing.B, f func(c *http.Client, i int) error) {
	b.Helper()
	times := make([]time.Duration, b.N)
	jobs := make(chan int, b.N)
	for i := range b.N {
		jobs <- i
	}
	close(jobs)
	clients := make([]*http.Client, min(atOnce, b.N))
	for i := range clients {
		clients[i] = p.signedIn(b)
	}
	used, begun := p.cpu(), time.Now()
	b.ResetTimer()
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range jobs {
				t := time.Now()
				if err := f(c, i); err != nil {
					b.Error(err)
					return
				}
				times[i] = time.Since(t)
			}
		}()
	}
	wg.Wait()
	b.StopTimer()
	took := time.Since(begun)
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(float64(b.N)/took.Seconds(), "flows/s")
	b.ReportMetric(ms(times[len(times)/2]), "p50-ms")
	b.ReportMetric(ms(times[len(times)*99/100]), "p99-ms")
	b.ReportMetric(ms(p.cpu()-used)/float64(b.N), "cpu-ms/flow")
	b.ReportMetric(0, "ns/op")
}

// signedIn is a browser with a live session of a new person.
func (p *plant) signedIn(b *testing.B) *http.Client {
	b.Helper()
	c := newClient()
	if err := p.signIn(c, p.newUser("")); err != nil {
		b.Fatal(err)
	}
	return c
}

func newClient() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{
		Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 2},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (p *plant) newUser(secret string) string {
	p.users++
	login := fmt.Sprintf("user%d@example.org", p.users)
	_, err := p.base.people.accounts.Add(context.Background(), idp.Actor{Host: true}, account.New{
		Email: login, Name: "User", Verified: true, PasswordHash: p.hash, TOTPSecret: secret,
	})
	if err != nil {
		p.b.Fatal(err)
	}
	return login
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// signIn follows the forms as a browser does, and back to Odoo.
func (p *plant) signIn(c *http.Client, login string) error {
	body, at, err := p.go2(c, p.url+"/oauth2/authorize?"+odooQuery.Encode(), nil)
	for range 2 {
		if err != nil {
			return err
		}
		form := url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(body, -1) {
			form.Set(m[1], m[2])
		}
		switch {
		case strings.Contains(body, `id="login"`):
			form.Set("login", login)
			form.Set("password", rightPassword)
		case strings.Contains(body, `id="factor"`):
			code, err := totp.GenerateCode(appSecret, time.Now())
			if err != nil {
				return err
			}
			form.Set("code", code)
		}
		u, _ := url.Parse(at)
		if body, at, err = p.go2(c, p.url+u.Path, form); err == nil && strings.HasPrefix(at, shopCallback) {
			return nil
		}
	}
	return fmt.Errorf("ended at %s: %v", at, err)
}

// go2 sends a request and follows redirects on our own host.
func (p *plant) go2(c *http.Client, address string, form url.Values) (body, at string, err error) {
	for range 10 {
		var resp *http.Response
		if form != nil {
			resp, err = c.PostForm(address, form)
		} else {
			resp, err = c.Get(address)
		}
		if err != nil {
			return "", "", err
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return "", "", err
		}
		to := resp.Header.Get("Location")
		switch {
		case resp.StatusCode == http.StatusOK:
			return string(b), address, nil
		case to == "":
			return "", "", fmt.Errorf("%s: %d", address, resp.StatusCode)
		case strings.HasPrefix(to, "/"):
			to = p.url + to
		case !strings.HasPrefix(to, p.url):
			return "", to, nil
		}
		address, form = to, nil
	}
	return "", "", fmt.Errorf("%s: too many redirects", address)
}

func BenchmarkServer(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			p := newPlant(b, kind)
			b.Run("odoo", func(b *testing.B) { p.load(b, p.odoo) })
			b.Run("code+userinfo", func(b *testing.B) {
				p.load(b, func(c *http.Client, _ int) error {
					t, err := p.tokens(c, "openid profile email")
					if err != nil {
						return err
					}
					return p.info(c, t["access_token"].(string))
				})
			})
			b.Run("userinfo", func(b *testing.B) {
				t, err := p.tokens(p.signedIn(b), "openid")
				if err != nil {
					b.Fatal(err)
				}
				p.load(b, func(c *http.Client, _ int) error { return p.info(c, t["access_token"].(string)) })
			})
			b.Run("refresh", func(b *testing.B) { p.refresh(b) })
			b.Run("discovery", func(b *testing.B) {
				p.load(b, func(c *http.Client, _ int) error {
					_, _, err := p.go2(c, p.url+"/.well-known/openid-configuration", nil)
					return err
				})
			})
			b.Run("sign-in", func(b *testing.B) { p.signIns(b) })
		})
	}
}

// refresh lets every client rotate a refresh token of its own.
func (p *plant) refresh(b *testing.B) {
	var mu sync.Mutex
	held := map[*http.Client]string{}
	p.load(b, func(c *http.Client, _ int) error {
		mu.Lock()
		token := held[c]
		mu.Unlock()
		var t map[string]any
		var err error
		if token == "" {
			t, err = p.tokens(c, "openid offline_access")
		} else {
			t, err = p.token(c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
		}
		if err != nil {
			return err
		}
		mu.Lock()
		held[c], _ = t["refresh_token"].(string)
		mu.Unlock()
		return nil
	})
}

// signIns signs in a new person each time, as a step of an app is good once.
func (p *plant) signIns(b *testing.B) {
	logins := make([]string, b.N)
	for i := range logins {
		logins[i] = p.newUser(appSecret)
	}
	p.load(b, func(_ *http.Client, i int) error { return p.signIn(newClient(), logins[i]) })
}

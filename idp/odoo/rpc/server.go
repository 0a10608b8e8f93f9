package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// server is an Odoo that is spoken to in either protocol, before anybody has
// signed in.
type server struct {
	cfg  Config
	wire *wire
}

func open(cfg Config) (*server, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	switch {
	case err != nil || base.Hostname() == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, says(ErrNotOdoo, "reach.address", cfg.URL)
	case strings.Trim(base.Path, "/") != "":
		return nil, says(ErrNotOdoo, "reach.path", base.Scheme+"://"+base.Host)
	}
	base.Path = ""
	cfg.Timeout, cfg.MaxAnswer = cmp.Or(cfg.Timeout, 30*time.Second), cmp.Or(cfg.MaxAnswer, 32<<20)
	return &server{cfg: cfg, wire: &wire{http: guarded(cfg), base: base, timeout: cfg.Timeout, maxAnswer: cfg.MaxAnswer}}, nil
}

// ask prefers what all versions answer to: an old Odoo with a website would
// draw a whole page to say that it has no /web/version.
func (s *server) ask(ctx context.Context) (Version, error) {
	var said struct {
		ServerVersion string `json:"server_version"`
		ServerInfo    []any  `json:"server_version_info"`
		Version       string `json:"version"`
		Info          []any  `json:"version_info"`
	}
	err := s.xml(ctx, "/xmlrpc/2/common", "version", nil, &said, true)
	if errors.Is(err, ErrNotOdoo) || errors.Is(err, ErrNotFound) {
		if s.get(ctx, "/web/version", &said) != nil {
			return Version{}, err
		}
	} else if err != nil {
		return Version{}, err
	}
	v, ok := parseVersion(cmp.Or(said.ServerVersion, said.Version), append(said.ServerInfo, said.Info...))
	if !ok {
		return v, says(ErrNotOdoo, "reach.unversioned")
	}
	return v, nil
}

func parseVersion(full string, info []any) (Version, bool) {
	v := Version{Full: full, Online: strings.HasPrefix(full, "saas"), Enterprise: strings.Contains(full, "+e")}
	if len(info) > 5 && info[5] == "e" {
		v.Enterprise = true
	}
	series := strings.TrimLeft(full, "sa~-")
	if len(info) > 0 {
		series = strings.TrimLeft(fmt.Sprint(info[0]), "sa~-")
	}
	series, _, _ = strings.Cut(series, ".")
	n, err := strconv.Atoi(series)
	v.Series = n
	return v, err == nil
}

func (s *server) authenticate(ctx context.Context, login, password string) (int64, error) {
	var answer json.RawMessage
	err := s.xml(ctx, "/xmlrpc/2/common", "authenticate", []any{s.cfg.Database, login, password, map[string]any{}}, &answer, true)
	if errors.Is(err, ErrDenied) {
		return 0, told(ErrWrongKey, "")
	} else if err != nil {
		return 0, err
	}
	uid, err := strconv.ParseInt(string(answer), 10, 64)
	if err != nil || uid == 0 { // false
		return 0, told(ErrWrongKey, "")
	}
	return uid, nil
}

// Ask reads the version without signing in.
func Ask(ctx context.Context, cfg Config) (Version, error) {
	s, err := open(cfg)
	if err != nil {
		return Version{}, err
	}
	return s.ask(ctx)
}

// CheckPassword asks Odoo whether a password is somebody's, as Odoo's own
// programs would sign in with it. It returns their res.users id, or fails with
// [ErrWrongKey]. It uses cfg.URL and cfg.Database only. Somebody with Odoo's
// own second factor is always refused here.
func CheckPassword(ctx context.Context, cfg Config, login, password string) (int64, error) {
	s, err := open(cfg)
	if err != nil {
		return 0, err
	}
	return s.authenticate(ctx, login, password)
}

// Databases lists the databases of the server. Many servers keep the list to
// themselves: [ErrDenied].
func Databases(ctx context.Context, cfg Config) ([]string, error) {
	s, err := open(cfg)
	if err != nil {
		return nil, err
	}
	var out []string
	err = s.xml(ctx, "/xmlrpc/2/db", "list", nil, &out, true)
	return out, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/config"
	"latchkey/idp/trace"
)

// drain is how long requests under way may take when the server stops.
const drain = 15 * time.Second

// serveOptions are the flags of `latchkey serve`.
type serveOptions struct {
	Demo       bool
	DemoPublic bool
	NoMigrate  bool
	JSON       bool
	Out        io.Writer
}

// serve runs the server until ctx ends.
func serve(ctx context.Context, cfg config.Config, o serveOptions) (err error) {
	if o.Demo {
		if err := cfg.Demo(o.DemoPublic); err != nil {
			return err
		}
		cfg = demoConfig(cfg)
	}
	logTo(cfg, o)
	b, err := openAt(ctx, cfg, clock(), !o.NoMigrate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	defer b.openTraces()()
	if b.newKeyring && !o.Demo {
		slog.Info("made a keyring: keep a copy in a safe place, the database is of no use without it", "file", cfg.Secrets.KeyringFile)
	}
	var extra []func(*house, gin.IRouter)
	if o.Demo {
		extra = append(extra, demoPages)
	}
	h, err := build(ctx, b, extra...)
	if err != nil {
		return err
	}
	s := &servers{}
	q := newQuiet(h.Handler)
	if err := s.listen("listen", cfg.Listen, stopping{q, &s.ending}); err != nil {
		return err
	}
	if cfg.MetricsListen != "" {
		if err := s.listen("metrics_listen", cfg.MetricsListen, metrics(b)); err != nil {
			return err
		}
	}
	if o.Demo {
		if err := startDemo(ctx, h, s, o); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(o.Out, "latchkey %s serves %s on %s\n", version, cfg.Issuer, cfg.Listen)
		if err := b.people.offerOwner(ctx, o.Out); err != nil {
			return err
		}
	}
	slog.Info("started", "version", version, "issuer", cfg.Issuer, "listen", cfg.Listen, "shared_database", cfg.Database.Shared(), "redis", cfg.Redis.URL != "")
	defer slog.Info("stopped")
	rest, err := b.work(ctx, !o.Demo)
	if err != nil {
		return err
	}
	defer rest()
	defer h.behind.wait()
	defer b.jobs.Close()
	q.release() // what only starting needed
	go q.run(ctx)
	return s.run(ctx)
}

// servers are the listeners of the program.
type servers struct {
	all    []*http.Server
	ln     []net.Listener
	ending atomic.Bool
}

// listen opens the address of a key. Limits are those of SECURITY §1.1.
func (s *servers) listen(key, address string, h http.Handler) error {
	ln, err := net.Listen("tcp", address)
	variable := "LATCHKEY_" + strings.ToUpper(key)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: something listens on %s already: is another latchkey running? Stop it, or choose another address, such as %s=127.0.0.1:9080", key, address, variable)
	case err != nil:
		return fmt.Errorf("%s: %w: choose another address with %s", key, err, variable)
	}
	s.ln = append(s.ln, ln)
	s.all = append(s.all, &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 60 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	})
	return nil
}

// run serves until ctx ends, then lets requests under way finish.
func (s *servers) run(ctx context.Context) error {
	failed := make(chan error, len(s.all))
	for i, srv := range s.all {
		go func() { failed <- srv.Serve(s.ln[i]) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping: requests under way may finish", "within", drain.String())
	s.ending.Store(true)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	var errs []error
	for _, srv := range s.all {
		errs = append(errs, srv.Shutdown(end))
	}
	return errors.Join(errs...)
}

// stopping answers /readyz with 503 while the server drains, so that a proxy
// sends nobody new.
type stopping struct {
	http.Handler
	ending *atomic.Bool
}

func (s stopping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" && s.ending.Load() {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	s.Handler.ServeHTTP(w, r)
}

// logTo sets up the program's log on standard error.
func logTo(cfg config.Config, o serveOptions) {
	opts := &slog.HandlerOptions{Level: cfg.Log.Level}
	var h slog.Handler = slog.NewTextHandler(stderr, opts)
	if cfg.Log.Format == "json" || o.JSON {
		h = slog.NewJSONHandler(stderr, opts)
	}
	if cfg.Tracing.Endpoint != "" {
		h = trace.Lines(h)
	}
	slog.SetDefault(slog.New(h))
}

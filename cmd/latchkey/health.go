package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func healthCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask the server on this machine whether it can serve; for containers", Args: nothing,
		Long: "Ask the server on this machine whether it can serve (GET /readyz on the listen address). Exit code 0: it can.", Example: "  latchkey health",
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if err := ready(cmd.Context(), cfg.Listen); err != nil {
				return err
			}
			return a.say(cmd, map[string]any{}, "ready")
		}),
	}
}

func ready(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no server answers on %s: %w", listen, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server on %s is not ready (status %d): its log says why", listen, resp.StatusCode)
	}
	return nil
}

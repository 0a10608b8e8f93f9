package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
)

func auditCommands(a *app) *cobra.Command {
	return group("audit", "The log of what happened", "  latchkey audit export --json > events.jsonl", auditExport(a))
}

func auditExport(a *app) *cobra.Command {
	var who, since string
	c := &cobra.Command{
		Use: "export", Short: "Print events, oldest first; with --json one object a line", Args: nothing,
		Example: "  latchkey audit export --json --since 2026-01-31\n  latchkey audit export --user ada@example.org --since 24h",
	}
	c.Flags().StringVar(&who, "user", "", "only events about `WHO`: e-mail, login or id")
	c.Flags().StringVar(&since, "since", "", "only events after this `TIME`: a date, an RFC 3339 time or a duration back from now")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		q, err := b.eventQuery(ctx, who, since)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		lines := encoder(out)
		return b.db.Log().Events(ctx, q, func(e idp.Event) error {
			if a.json {
				return lines.Encode(viewEvent(e))
			}
			_, err := fmt.Fprintln(out, clean(sentence(e)))
			return err
		})
	})
	return c
}

func (b *base) eventQuery(ctx context.Context, who, since string) (q idp.EventQuery, err error) {
	if q.Since, err = moment(since, b.now()); err != nil || who == "" {
		return q, err
	}
	u, err := b.accounts.Find(ctx, who)
	q.User = u.ID
	return q, err
}

// moment reads a date (midnight UTC), a time, or a duration back from now.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, usagef("--since %q: a date such as 2026-01-31, a time such as 2026-01-31T08:00:00Z or a duration such as 24h is allowed", text)
}

// eventView is an event as exports show it (D-08). Names are part of the
// program's interface.
type eventView struct {
	ID      string            `json:"id"`
	At      time.Time         `json:"time"`
	What    string            `json:"event"`
	User    idp.UserID        `json:"user,omitempty"`
	Actor   idp.UserID        `json:"actor,omitempty"`
	Client  idp.ClientID      `json:"client,omitempty"`
	Session idp.SessionID     `json:"session,omitempty"`
	Method  string            `json:"method,omitempty"`
	IP      string            `json:"ip,omitempty"`
	Agent   string            `json:"user_agent,omitempty"`
	Result  string            `json:"result"`
	Detail  map[string]string `json:"detail,omitempty"`
}

func viewEvent(e idp.Event) eventView {
	return eventView{
		ID: e.ID, At: e.At.UTC(), What: e.What, User: e.User, Actor: e.Actor, Client: e.Client, Session: e.Session,
		Method: string(e.Method), IP: e.Origin.Address, Agent: e.Origin.Agent, Result: e.Result, Detail: e.Detail,
	}
}

func sentence(e idp.Event) string {
	parts := []string{stamp(e.At), e.What, e.Result}
	for _, p := range []struct{ name, value string }{
		{"user", string(e.User)}, {"actor", string(e.Actor)}, {"client", string(e.Client)}, {"method", string(e.Method)}, {"ip", e.Origin.Address},
	} {
		if p.value != "" {
			parts = append(parts, p.name+"="+p.value)
		}
	}
	return strings.Join(parts, " ")
}

// note leaves an event about something that the command line itself changed.
func (b *base) note(ctx context.Context, what string, client idp.ClientID, detail map[string]string) error {
	return b.db.Log().Append(ctx, idp.Event{ID: rand.Text(), At: b.now(), What: what, Client: client, Origin: host.Origin, Result: "ok", Detail: detail})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/ui/api"
)

func apiCommands(a *app) *cobra.Command {
	tokens := group("token", "Tokens of the API", "  latchkey api token list", tokenAdd(a), tokenList(a), tokenRevoke(a))
	return group("api", "The API of the administration, for programs", "  latchkey api openapi > latchkey.json", apiDocument(a), tokens)
}

func apiDocument(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI document", Args: nothing, Example: "  latchkey api openapi > latchkey.json",
		Long: "Print the OpenAPI 3.1 document of the API. A running server has it at " + api.DocumentPath + ".",
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", api.Document(cfg.Issuer))
			return err
		}),
	}
}

// tokenView is a token as the command line shows it. Names are part of the
// program's interface.
type tokenView struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Owner   string         `json:"owner"`
	Scopes  []idp.Right    `json:"scopes"`
	State   apitoken.State `json:"state"`
	Created time.Time      `json:"created"`
	Expires time.Time      `json:"expires"`
	Used    *time.Time     `json:"used,omitempty"`
	Secret  string         `json:"secret,omitempty"` // only where it was made just now
}

func viewToken(h apitoken.Held, now time.Time) tokenView {
	v := tokenView{ID: h.ID, Name: h.Name, Owner: h.By.Login, Scopes: h.Scopes, State: h.State(now), Created: h.Created.UTC(), Expires: h.Expires.UTC()}
	if !h.Used.IsZero() {
		used := h.Used.UTC()
		v.Used = &used
	}
	return v
}

func tokenAdd(a *app) *cobra.Command {
	var who, name string
	var scopes []string
	var days int
	c := &cobra.Command{
		Use: "add --owner WHO --name NAME --scope SCOPE", Short: "Make a token for an administrator; it is shown this once", Args: nothing,
		Long: "Make a token with which a program uses the API for an administrator. It never reaches further than its owner does, and it dies when they are\n" +
			"disabled or their password or factors change. For what is nobody's, register a client of type service with the same scopes.\n\n" +
			"Scopes: " + spaced(idp.Rights()),
		Example: "  latchkey api token add --owner ada@example.org --name reports --scope people:read --scope audit:read --days 30",
	}
	f := c.Flags()
	f.StringVar(&who, "owner", "", "`WHO` it stands for: login, e-mail or id")
	f.StringVar(&name, "name", "", "`NAME` that says what it is for")
	f.StringArrayVar(&scopes, "scope", nil, "`SCOPE`; can be repeated")
	f.IntVar(&days, "days", int(apitoken.DefaultLife/(24*time.Hour)), "`DAYS` until it expires, at most 365")
	for _, need := range []string{"owner", "name", "scope"} {
		_ = c.MarkFlagRequired(need) // fails only for a flag that is not there
	}
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		if days < 1 {
			return usagef("--days must be 1 to 365")
		}
		u, err := b.people.accounts.Find(ctx, who)
		if err != nil {
			return err
		}
		in := apitoken.New{Name: name, Owner: u.ID, Life: time.Duration(days) * 24 * time.Hour}
		for _, s := range scopes {
			for one := range strings.FieldsSeq(s) {
				in.Scopes = append(in.Scopes, idp.Right(one))
			}
		}
		t, secret, err := b.tokens().Make(ctx, host, in)
		if err != nil {
			return err
		}
		v := viewToken(apitoken.Held{Token: t, By: u}, b.now())
		v.Secret = secret
		return a.print(cmd, v, func(w io.Writer) {
			field(w, "token", v.Secret)
			field(w, "id", v.ID)
			field(w, "owner", clean(v.Owner))
			field(w, "scopes", spaced(v.Scopes))
			field(w, "expires", stamp(v.Expires))
			fmt.Fprintln(w, "\nThe token is not shown again.")
		})
	})
	return c
}

func spaced(rights []idp.Right) string {
	out := make([]string, len(rights))
	for i, r := range rights {
		out[i] = string(r)
	}
	return strings.Join(out, " ")
}

func tokenList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens of the API", Args: nothing, Example: "  latchkey api token list",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			all, err := b.tokens().List(ctx, host)
			if err != nil {
				return err
			}
			l := a.list(cmd, "ID", "NAME", "OWNER", "SCOPES", "STATE", "USED", "EXPIRES")
			for _, h := range all {
				v := viewToken(h, b.now())
				if err := l.add(v, v.ID, clean(v.Name), clean(v.Owner), spaced(v.Scopes), string(v.State), stamp(h.Used), stamp(v.Expires)); err != nil {
					return err
				}
			}
			return l.end()
		}),
	}
}

func tokenRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a token, at once", Args: exactly(1), Example: "  latchkey api token revoke k3v7q2m5x9ab",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			err := b.tokens().Revoke(ctx, host, args[0])
			switch {
			case errors.Is(err, idp.ErrNotFound):
				return fmt.Errorf("%w: there is no token %q; `latchkey api token list` prints them", idp.ErrNotFound, args[0])
			case errors.Is(err, idp.ErrSpent):
				return fmt.Errorf("%w: the token %s is revoked already", idp.ErrInvalid, args[0])
			case err != nil:
				return err
			}
			return a.say(cmd, map[string]any{"id": args[0]}, "the token %s is revoked", args[0])
		}),
	}
}

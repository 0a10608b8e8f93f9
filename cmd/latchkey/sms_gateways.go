package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/settings"
)

func smsGateway(a *app) *cobra.Command {
	return group("gateway", "The gateways through which text messages go; their credentials are sealed in the database",
		"  latchkey sms gateway put twilio.yaml\n  latchkey sms gateway list", smsGatewayList(a), smsGatewayPut(a), smsGatewayFirst(a), smsGatewayRemove(a))
}

func smsGatewayList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the gateways in the order in which they are asked", Args: nothing, Example: "  latchkey sms gateway list --json",
		Long: "List the gateways in the order in which they are asked. Those of the configuration come after these; `latchkey config` shows them.",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			all, err := b.choices.settings.ListGateways(ctx, host)
			if err != nil {
				return err
			}
			return a.print(cmd, append([]settings.Gateway{}, all...), func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "NAME\tTYPE\tNUMBERS\tSTATE")
				for _, g := range all {
					state, prefixes := "on", strings.Join(g.Prefixes, " ")
					if g.Off {
						state = "off"
					}
					if prefixes == "" {
						prefixes = "all"
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", clean(g.Name), g.Type, prefixes, state)
				}
				_ = t.Flush() // what cannot be written is reported by the writer's owner
			})
		}),
	}
}

func smsGatewayPut(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "put FILE", Short: "Add a gateway, or change the one of that name", Args: exactly(1),
		Long: "Add a gateway from a YAML file (- is standard input), or change the one of that name. The file has name, type, prefixes (none: all numbers), off,\n" +
			"and the settings of the type as in sms.gateways of the configuration. A secret that is left out stays as it is.",
		Example: "  printf 'name: main\\ntype: twilio\\naccount: AC…\\ntoken: …\\nfrom: \"+15005550006\"\\n' | latchkey sms gateway put -",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			text, err := readFile(cmd, args[0])
			if err != nil {
				return err
			}
			g, err := parseGateway(text)
			if err != nil {
				return err
			}
			if g.ID, err = gatewayNamed(ctx, b.choices.settings, g.Name); err != nil {
				return err
			}
			id, err := b.choices.settings.PutGateway(ctx, host, g)
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": id, "name": g.Name}, "gateway %s is in use for the next message", clean(g.Name))
		}),
	}
}

// parseGateway reads the settings of a type beside those of every gateway.
func parseGateway(text []byte) (settings.Gateway, error) {
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return settings.Gateway{}, fmt.Errorf("%w: %w", idp.ErrInvalid, err)
	}
	var known struct {
		Name, Type string
		Prefixes   []string
		Off        bool
	}
	if err := yaml.Unmarshal(text, &known); err != nil {
		return settings.Gateway{}, fmt.Errorf("%w: %w", idp.ErrInvalid, err)
	}
	g := settings.Gateway{Name: known.Name, Type: known.Type, Prefixes: known.Prefixes, Off: known.Off, Values: map[string]string{}, Own: map[string]any{}}
	for name, v := range all {
		switch text, is := v.(string); {
		case slices.Contains([]string{"name", "type", "prefixes", "off"}, name):
		case is:
			g.Values[name] = text
		default:
			g.Own[name] = v
		}
	}
	return g, nil
}

// gatewayNamed is the id of a gateway; empty when there is none of that name.
func gatewayNamed(ctx context.Context, all *settings.Service, name string) (string, error) {
	known, _, err := all.Gateways(ctx)
	i := slices.IndexFunc(known, func(g settings.Gateway) bool { return g.Name == strings.TrimSpace(name) })
	if err != nil || i < 0 {
		return "", err
	}
	return known[i].ID, nil
}

func smsGatewayFirst(a *app) *cobra.Command {
	return gatewayAction(a, "first NAME", "Ask a gateway before the others", "is asked first",
		func(s *settings.Service) func(context.Context, idp.Actor, string) error { return s.FirstGateway })
}

func smsGatewayRemove(a *app) *cobra.Command {
	return gatewayAction(a, "remove NAME", "Forget a gateway with its credentials", "is removed",
		func(s *settings.Service) func(context.Context, idp.Actor, string) error { return s.RemoveGateway })
}

func gatewayAction(a *app, use, short, done string, do func(*settings.Service) func(context.Context, idp.Actor, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: exactly(1), Example: "  latchkey sms gateway " + strings.Replace(use, "NAME", "main", 1),
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			id, err := gatewayNamed(ctx, b.choices.settings, args[0])
			if err == nil && id == "" {
				err = fmt.Errorf("%w: no gateway has the name %q; `latchkey sms gateway list` prints them", idp.ErrNotFound, args[0])
			}
			if err == nil {
				err = do(b.choices.settings)(ctx, host, id)
			}
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": id, "name": args[0]}, "gateway %s %s", clean(args[0]), done)
		}),
	}
}

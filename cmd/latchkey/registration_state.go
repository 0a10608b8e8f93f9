package main

import (
	"context"
	"strings"

	"latchkey/config"
)

// lookAtRegistration warns of applications that strangers get into because people
// may make their own accounts.
func lookAtRegistration(ctx context.Context, cfg config.Config) finding {
	return lookInside(ctx, cfg, func(b *base) finding { return b.choices.opened(ctx) })
}

func (c *choiceSide) opened(ctx context.Context) finding {
	is, err := c.settings.Registration(ctx)
	if err != nil {
		return broken(err)
	}
	if !is.Open {
		return fine("people do not make their own accounts")
	}
	all, err := c.brandable(ctx)
	if err != nil {
		return broken(err)
	}
	var names []string
	for _, a := range all {
		if a.Everyone {
			names = append(names, string(a.ID))
		}
	}
	if len(names) > 0 {
		return warn("whoever makes an account gets into %s, which name no groups: `latchkey client update ID --group NAME` keeps strangers out", strings.Join(names, ", "))
	}
	return fine("people make their own accounts; every application names its groups")
}

package signin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"latchkey/idp"
	"latchkey/mfa"
)

// Options returns what a browser needs for the ceremony of a passkey that
// belongs to the view's step: to prove the one that is held, or to add one. Each
// call makes new options and those before are void: a challenge is good for one
// go and five minutes (W-01), while backup codes may take longer to write down.
//
// idp.ErrDenied at every other step; mfa.ErrExpired when it is to add one and
// the backup codes that come with it are not saved yet.
func (k Keys) Options(ctx context.Context, v View) (json.RawMessage, error) {
	switch {
	case v.Step == AskFactor && slices.Contains(v.Methods, idp.Passkey):
		return k.askPasskey(ctx, v)
	case v.enrolling() && slices.Contains(v.Addable, idp.Passkey):
		return k.addPasskey(ctx, v)
	}
	return nil, idp.ErrDenied
}

func (k Keys) askPasskey(ctx context.Context, v View) (json.RawMessage, error) {
	f, who := v.Flow, subject(v.User, v.Decision, v.From)
	if id := f.Asked[idp.Passkey]; id != "" {
		c, err := k.in.Factors.Again(ctx, who, id, binding(f))
		if !errors.Is(err, mfa.ErrExpired) {
			return c.Prompt.Public, err
		}
	}
	c, err := k.in.Factors.Prepare(ctx, who, idp.Passkey, binding(f))
	if err != nil {
		return nil, err
	}
	return c.Prompt.Public, k.in.Second().asked(ctx, f, c)
}

func (k Keys) addPasskey(ctx context.Context, v View) (json.RawMessage, error) {
	e, err := k.in.Wizard().Enrolment(ctx, v)
	if errors.Is(err, mfa.ErrExpired) || err == nil && e.Kind != idp.Passkey {
		if err := k.in.Wizard().Enrol(ctx, v, idp.Passkey, ""); err != nil {
			return nil, err
		}
		if v.Flow, _, err = k.in.Flows.Get(ctx, v.Flow.ID); err != nil {
			return nil, err
		}
		e, err = k.in.Wizard().Enrolment(ctx, v)
	}
	if err != nil {
		return nil, err
	}
	if !e.Ready() {
		return nil, mfa.ErrExpired
	}
	c, err := k.in.Factors.Again(ctx, subject(v.User, v.Decision, v.From), v.Flow.Enrol.Asked, binding(v.Flow))
	return c.Prompt.Public, err
}

package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// Keys are the ceremonies of passkeys.
type Keys struct{ in *Service }

// Keys are the ceremonies of passkeys.
func (s *Service) Keys() Keys { return Keys{s} }

// discoveryLife is how long the answer to a discovery may take (W-01).
const discoveryLife = 5 * time.Minute

var discoveryPurpose = []byte("signin:discovery")

func discovering(f Flow) string { return "discover:" + f.Browser }

// Discover starts a sign-in by a passkey alone: whoever answers says who they
// are. Nothing is stored; state is the challenge, sealed, and good once, in this
// browser, for five minutes.
func (k Keys) Discover(ctx context.Context, v View) (options json.RawMessage, state string, err error) {
	if v.Step != AskPassword {
		return nil, "", idp.ErrDenied
	}
	c, err := k.in.Factors.Discovery().Ask(ctx, idp.Passkey, discovering(v.Flow))
	if err != nil {
		return nil, "", err
	}
	if end := k.in.Now().Add(discoveryLife); c.Expires.After(end) {
		c.Expires = end
	}
	options, c.Prompt = c.Prompt.Public, mfa.Prompt{}
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, "", err
	}
	b, err := k.in.Sealer.Seal(plain, discoveryPurpose)
	return options, base64.RawURLEncoding.EncodeToString(b), err
}

// Discovered judges the answer to a discovery. Whatever is wrong with it the
// error is idp.ErrBadLogin (E-01), but for a network that tries too often.
func (k Keys) Discovered(ctx context.Context, v View, state string, answer json.RawMessage, m Marks) (Moved, error) {
	if v.Step != AskPassword {
		return Moved{}, idp.ErrDenied
	}
	budget := network(k.in.Rules, v.From)
	if err := k.in.Limiter.Take(ctx, budget); errors.Is(err, mfa.ErrLocked) {
		return Moved{}, fmt.Errorf("%w: %w", ErrSlowDown, err)
	} else if err != nil {
		return Moved{}, err
	}
	f, a := v.Flow, mfa.Answer{Public: answer}
	e := event(k.in.Now(), "signin.passkey", f, idp.User{}, idp.Passkey, v.From)
	c, err := k.discovery(state)
	if err != nil {
		return Moved{}, k.unproven(ctx, f, idp.User{}, e, err)
	}
	held, u, err := k.claimed(ctx, a)
	if err != nil {
		return Moved{}, k.unproven(ctx, f, u, e, err)
	}
	e.User, e.Actor = u.ID, u.ID
	if f.Need.Subject != "" && f.Need.Subject != u.ID {
		e.Result = "other-person"
		err := fmt.Errorf("%w: the application asked for somebody else", idp.ErrDenied)
		return Moved{}, errors.Join(err, k.in.Log.Append(ctx, e))
	}
	d, err := k.in.decide(ctx, f, u, v.From)
	if err != nil {
		return Moved{}, err
	}
	var out Moved
	_, err = k.in.Factors.Discovery().Check(ctx, subject(u, d, v.From), c, discovering(f), held, a, func(ctx context.Context, used mfa.Credential) error {
		p := proof(used, k.in.Now())
		if !p.First() {
			return mfa.ErrWrong // W-03: the person was not verified, so this is no sign-in
		}
		f.User, f.Epoch, f.Inherits, f.Proofs = u.ID, u.Epoch, "", []idp.Proof{p}
		e.Result = "ok"
		var err error
		out, err = turn{flow: f, user: u, from: v.From, marks: m}.advance(ctx, k.in, func(ctx context.Context) error {
			return errors.Join(k.in.Limiter.Forgive(ctx, budget), k.in.Log.Append(ctx, e), k.in.witness().after(ctx, f, u, e, used))
		})
		return err
	})
	if err != nil {
		return Moved{}, k.unproven(ctx, f, u, e, err)
	}
	return out, nil
}

// discovery opens what Discover sealed.
func (k Keys) discovery(state string) (c mfa.Challenge, err error) {
	b, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return c, mfa.ErrExpired
	}
	plain, err := k.in.Sealer.Open(b, discoveryPurpose)
	if err != nil {
		return c, fmt.Errorf("%w: %w", mfa.ErrExpired, err)
	}
	return c, json.Unmarshal(plain, &c)
}

// claimed finds whose the answer claims to be.
func (k Keys) claimed(ctx context.Context, a mfa.Answer) (mfa.Credential, idp.User, error) {
	held, err := k.in.Factors.Discovery().Claimed(ctx, idp.Passkey, a)
	if err != nil {
		return held, idp.User{}, err
	}
	u, err := k.in.Users.ByID(ctx, idp.UserID(held.Subject))
	if errors.Is(err, idp.ErrNotFound) || err == nil && u.Disabled {
		return held, u, mfa.ErrWrong
	}
	return held, u, err
}

// unproven logs why a discovery led nowhere, and answers the same to all.
func (k Keys) unproven(ctx context.Context, f Flow, u idp.User, e idp.Event, err error) error {
	reasons := []struct {
		err error
		is  string
	}{{mfa.ErrCloned, "cloned"}, {mfa.ErrWrong, "wrong"}, {mfa.ErrExpired, "expired"}, {mfa.ErrRefused, "refused"}, {mfa.ErrNotHeld, "wrong"}}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			e.Result, e.User, e.Actor = r.is, u.ID, u.ID
			return errors.Join(idp.ErrBadLogin, k.in.witness().refused(ctx, f, u, e))
		}
	}
	return err
}

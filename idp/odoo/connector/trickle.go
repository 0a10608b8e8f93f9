package connector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/mfa"
)

// Bounds of asking Odoo for passwords.
const (
	trickleTime  = 5 * time.Second
	trickleAtOne = 4           // questions under way on one instance
	trickleEven  = time.Second // that a refusal takes, at least
)

// Odoo stops answering an address that was wrong ten times in a minute, whoever
// was meant (base.login_cooldown_after): that would be all of us.
const (
	trickleWrong = 8
	tricklePer   = time.Minute
	trickleTries = 5 // of one person
	tricklePause = 15 * time.Minute
)

// Trickle checks the first password of people who came without one, with the
// Odoo that they came from; the caller then keeps it in a form of its own, so
// that nobody is asked twice. It never asks for anybody who had a password here,
// and neither keeps nor logs one. Nor does it ask for people with a role: who
// administers an Odoo would administer this house (SECURITY.md D-02).
type Trickle struct {
	book    *Book
	ties    Ties
	limiter mfa.Limiter

	once   sync.Once
	lanes  chan struct{}
	mu     sync.Mutex
	slow   time.Duration // what a refusal of Odoo takes lately
	on     bool          // see asks
	silent bool
	looked time.Time
}

// Check reports whether plain is the password of somebody who has none here. An
// epoch that has risen means that there was one, or that it was taken away on
// purpose: then Odoo is not asked. idp.ErrBusy when too many are.
func (t *Trickle) Check(ctx context.Context, u idp.User, plain string) (bool, error) {
	if !untried(u) || plain == "" {
		return false, nil
	}
	ties, err := t.ties.OfUser(ctx, u.ID)
	if err != nil {
		return false, err
	}
	for _, tie := range ties {
		c, err := t.book.connections.ByID(ctx, tie.Connection)
		switch {
		case errors.Is(err, idp.ErrNotFound):
			continue
		case err != nil:
			return false, err
		}
		if !c.Settings.Trickle || tie.Closed != Open || tie.Login == "" {
			continue
		}
		if right, err := t.ask(ctx, c, tie, plain); right || err != nil {
			return right, err
		}
	}
	return false, nil
}

// untried reports whether somebody's first password may be Odoo's.
func untried(u idp.User) bool {
	return u.ID != "" && u.Password == "" && !u.Disabled && u.Role == "" && u.Epoch == 0
}

// Begin returns what a refusal waits for before it is told: how long it took
// must not tell whether Odoo was asked, and so who is there (SECURITY.md E-01,
// Where no connection asks for passwords nobody waits. It also says
// whether an Odoo was silent, as the tries before this one found: what the try
// itself finds out would tell that Odoo was asked. To look before each try would
// cost everybody a round trip.
func (t *Trickle) Begin(ctx context.Context) (even func() (silent bool)) {
	const lasts = 2 * time.Minute
	began := time.Now()
	t.mu.Lock()
	silent := t.silent && t.book.now().Before(t.looked.Add(lasts))
	t.mu.Unlock()
	return func() bool {
		if !t.asks(ctx) {
			return false
		}
		t.mu.Lock()
		wait := max(trickleEven, t.slow) - time.Since(began)
		t.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		return silent
	}
}

// asks reports whether any connection asks for first passwords, as it was a
// moment ago, and remembers whether an Odoo that would be asked does not answer.
func (t *Trickle) asks(ctx context.Context) bool {
	const fresh = 10 * time.Second
	t.mu.Lock()
	on, known := t.on, t.book.now().Before(t.looked.Add(fresh))
	t.mu.Unlock()
	if known {
		return on
	}
	all, err := t.book.connections.All(ctx)
	on, silent := err != nil, false // in doubt, wait
	for _, c := range all {
		on = on || c.Settings.Trickle
		silent = silent || c.Settings.Trickle && c.Health.silent()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on, t.silent, t.looked = on, silent, t.book.now()
	return on
}

// ask asks one Odoo.
func (t *Trickle) ask(ctx context.Context, c Connection, tie Tie, plain string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, trickleTime)
	defer cancel()
	t.once.Do(func() { t.lanes = make(chan struct{}, trickleAtOne) })
	select {
	case t.lanes <- struct{}{}:
		defer func() { <-t.lanes }()
	case <-ctx.Done():
		return false, fmt.Errorf("%w: too many ask Odoo", idp.ErrBusy)
	}
	budgets := []mfa.Budget{
		{Key: "trickle:" + c.ID, Max: trickleWrong, Per: tricklePer}, {Key: "trickle:" + string(tie.User), Max: trickleTries, Per: tricklePause},
	}
	var lock *mfa.LockedError
	if err := t.limiter.Take(ctx, budgets...); errors.As(err, &lock) {
		return false, t.told(ctx, c, tie, "locked")
	} else if err != nil {
		return false, err
	}
	began := time.Now()
	cfg := t.book.config(c)
	cfg.Timeout = trickleTime
	uid, err := rpc.CheckPassword(ctx, cfg, tie.Login, plain)
	t.took(time.Since(began))
	switch {
	case errors.Is(err, rpc.ErrWrongKey):
		return false, errors.Join(t.told(ctx, c, tie, "wrong"), t.answered(ctx, c))
	case err != nil: // it is down, or slow: as good as wrong, but told
		return false, errors.Join(t.told(context.WithoutCancel(ctx), c, tie, "unreachable"), t.book.connections.Heard(context.WithoutCancel(ctx), c.ID, t.book.now(), err))
	case uid != tie.Odoo: // the login is somebody else's by now
		return false, t.told(ctx, c, tie, "other-person")
	}
	return true, errors.Join(t.limiter.Forgive(ctx, budgets...), t.told(ctx, c, tie, "ok"), t.answered(ctx, c))
}

// answered notes that an Odoo which did not answer does so again. Another failure
// is not cured by an answer about a password.
func (t *Trickle) answered(ctx context.Context, c Connection) error {
	if !c.Health.silent() {
		return nil
	}
	t.mu.Lock()
	t.silent = false // for the tries after this one
	t.mu.Unlock()
	return t.book.connections.Heard(ctx, c.ID, t.book.now(), nil)
}

// took remembers the slowest answer of late.
func (t *Trickle) took(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const forget = 20
	t.slow = max(min(d, trickleTime), t.slow-t.slow/forget)
}

func (t *Trickle) told(ctx context.Context, c Connection, tie Tie, result string) error {
	return t.book.log.Append(ctx, idp.Event{
		ID: rand.Text(), At: t.book.now(), What: "password.trickle", User: tie.User, Client: c.Client, Result: result, Detail: map[string]string{"connection": c.ID},
	})
}

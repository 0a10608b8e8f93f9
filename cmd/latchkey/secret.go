package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/idp/store"
)

func secretCommands(a *app) *cobra.Command {
	return group("secret", "What the keyring seals in the database", "  latchkey secret list\n  latchkey secret rotate", secretList(a), secretRotate(a))
}

func secretList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the keys of the keyring and how many values each has sealed", Args: nothing, Example: "  latchkey secret list",
		Long: "List the keys of the keyring and how many values in the database each has sealed. One key seals; old ones only open what they sealed once; one that is ahead will seal after the next rotation.",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			counts, err := b.db.Seals(ctx)
			if err != nil {
				return err
			}
			values := map[keyring.KeyID]int{}
			for _, c := range counts {
				values[c.Key] += c.Values
			}
			l := a.list(cmd, "KEY", "STATE", "VALUES")
			for _, k := range b.ring.Keys() {
				if err := l.add(map[string]any{"key": k.ID, "state": k.State, "values": values[k.ID]}, k.ID, k.State, values[k.ID]); err != nil {
					return err
				}
				delete(values, k.ID)
			}
			for id, n := range values {
				if err := l.add(map[string]any{"key": id, "state": "missing", "values": n}, id, "missing", n); err != nil {
					return err
				}
			}
			return l.end()
		}),
	}
}

// rotation is one run of `latchkey secret rotate`.
type rotation struct {
	output
	*base
	cmd *cobra.Command

	add, reseal, forget, now, oneFile bool
}

func secretRotate(a *app) *cobra.Command {
	var r rotation
	c := &cobra.Command{
		Use: "rotate", Short: "Seal everything in the database with a new key", Args: nothing,
		Long: "Make a new key in the keyring, and seal everything in the database with it. Servers may run: they take the keyring up by themselves within a minute, or when they meet the new key. Back the keyring up afterwards.\n" +
			"What is interrupted goes on with --reseal. The old key stays and opens what it sealed, until --forget-old removes it, which it does only when nothing is sealed with it any more.\n" +
			"Where instances have copies of the keyring, four steps lock nobody out:\n" +
			"  1. latchkey secret rotate --add         and copy the keyring to all instances\n" +
			"  2. latchkey secret rotate               and copy it to all instances again\n" +
			"  3. latchkey secret rotate --reseal      for what they have sealed with the old key until then\n" +
			"  4. latchkey secret rotate --forget-old  an hour later, and copy it once more",
		Example: "  latchkey secret rotate\n  latchkey secret rotate --forget-old",
	}
	fs := c.Flags()
	fs.BoolVar(&r.add, "add", false, "make the new key known only; the next rotation lets it seal")
	fs.BoolVar(&r.reseal, "reseal", false, "make no new key: seal what an old one still seals")
	fs.BoolVar(&r.forget, "forget-old", false, "remove old keys")
	fs.BoolVar(&r.now, "now", false, "with --forget-old: also within an hour of the rotation; people who are signing in begin again")
	fs.BoolVar(&r.oneFile, "one-file", false, "with PostgreSQL: all instances read this very keyring file, so that no step with --add is needed")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		r.output, r.base, r.cmd = a.output, b, cmd
		if n := count(r.add, r.reseal, r.forget); n > 1 || r.now && !r.forget {
			return usagef("--add, --reseal and --forget-old exclude each other, and --now goes with --forget-old")
		}
		return r.alone(ctx, r.run)
	})
	return c
}

func count(all ...bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// A rotation has the keyring for itself: of two that change the file at once one
// would lose the other's key. Whoever is killed leaves it for a minute.
const (
	rotationTask  = "keyring"
	rotationLease = time.Minute
)

func (r *rotation) alone(ctx context.Context, do func(context.Context) error) error {
	claim := func(until time.Duration) error {
		return r.db.AuditWork.Claim(context.WithoutCancel(ctx), rotationTask, instance, r.base.now().Add(until))
	}
	if err := claim(rotationLease); errors.Is(err, idp.ErrTaken) {
		return errors.New("another rotation is under way, or was killed less than a minute ago: wait for it")
	} else if err != nil {
		return err
	}
	err := r.ring.Refresh() // as it is now that nobody else changes it
	if err == nil {
		err = do(ctx)
	}
	return errors.Join(err, claim(0))
}

func (r *rotation) run(ctx context.Context) error {
	switch {
	case r.add:
		return r.prepare(ctx)
	case r.forget:
		return r.forgetOld(ctx)
	case r.reseal:
		return r.sealAnew(ctx)
	}
	keys := r.ring.Keys()
	if r.cfg.Database.Shared() && !r.oneFile && keys[len(keys)-1].State != keyring.Ahead {
		return usagef("other instances would not know a new key: begin with `latchkey secret rotate --add` and copy the keyring to all of them, or say --one-file if they read this very file")
	}
	if err := r.ring.Rotate(); err != nil {
		return err
	}
	if err := r.save(ctx, "keyring.rotate", map[string]string{"key": keyNumber(r.ring.Sealing())}); err != nil {
		return err
	}
	return r.sealAnew(ctx)
}

func keyNumber(id keyring.KeyID) string { return strconv.FormatUint(uint64(id), 10) }

// save writes the keyring and the event. The file is first: a key that seals
// must never be in memory alone.
func (r *rotation) save(ctx context.Context, what string, detail map[string]string) error {
	if err := r.ring.Save(r.cfg.Secrets.KeyringFile); err != nil {
		return err
	}
	return r.note(ctx, what, detail)
}

func (r *rotation) note(ctx context.Context, what string, detail map[string]string) error {
	return r.db.Log.Append(context.WithoutCancel(ctx), idp.Event{
		ID: rand.Text(), At: r.base.now(), What: what, Origin: host.Origin, Result: "ok", Detail: detail,
	})
}

func (r *rotation) prepare(ctx context.Context) error {
	keys := r.ring.Keys()
	if last := keys[len(keys)-1]; last.State == keyring.Ahead {
		return fmt.Errorf("key %d is made ahead already: copy the keyring to all instances, then `latchkey secret rotate`", last.ID)
	}
	id, err := r.ring.Prepare()
	if err != nil {
		return err
	}
	if err := r.save(ctx, "keyring.add", map[string]string{"key": keyNumber(id)}); err != nil {
		return err
	}
	return r.tell(store.Resealing{}, fmt.Sprintf("key %d is in %s and seals nothing yet; copy the file to all instances, then `latchkey secret rotate`", id, r.cfg.Secrets.KeyringFile))
}

// sealAnew seals what other keys have sealed. A value that is written meanwhile by
// somebody who does not know the new key yet is found by the next pass.
func (r *rotation) sealAnew(ctx context.Context) error {
	var all store.Resealing
	for range 3 {
		done, err := r.pass(ctx, r.db.Reseal)
		all.Sealed, all.Broken, all.Which = all.Sealed+done.Sealed, done.Broken, done.Which
		if err != nil {
			return fmt.Errorf("%w; %d values are done: `latchkey secret rotate --reseal` goes on", err, all.Sealed)
		}
		if done.Sealed == 0 {
			break
		}
	}
	if err := r.note(ctx, "keyring.reseal", map[string]string{"key": keyNumber(r.ring.Sealing()), "values": strconv.Itoa(all.Sealed), "broken": strconv.Itoa(all.Broken)}); err != nil {
		return err
	}
	return r.tell(all, fmt.Sprintf("key %d seals; %d values were sealed anew. Back up %s; old keys stay until `latchkey secret rotate --forget-old`", r.ring.Sealing(), all.Sealed, r.cfg.Secrets.KeyringFile))
}

// pass walks over all values with a bar, and keeps the claim.
func (r *rotation) pass(ctx context.Context, walk func(context.Context, func(int) error) (store.Resealing, error)) (store.Resealing, error) {
	counts, err := r.db.Seals(ctx)
	if err != nil {
		return store.Resealing{}, err
	}
	total := 0
	for _, c := range counts {
		if c.Key != r.ring.Sealing() {
			total += c.Values
		}
	}
	bar, claimed := r.progress(r.cmd), r.base.now()
	defer bar.clear()
	return walk(ctx, func(done int) error {
		bar.show(done, min(1, float64(done)/float64(max(total, 1))))
		if now := r.base.now(); now.Sub(claimed) > rotationLease/4 {
			claimed = now
			return r.db.AuditWork.Claim(ctx, rotationTask, instance, now.Add(rotationLease))
		}
		return ctx.Err()
	})
}

// forgetAfter is longer than what was sealed for a browser is good for, and than
// a server takes to notice a new key.
const forgetAfter = time.Hour

func (r *rotation) forgetOld(ctx context.Context) error {
	file := r.cfg.Secrets.KeyringFile
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if age := r.base.now().Sub(info.ModTime()); age < forgetAfter && !r.now {
		return fmt.Errorf("%s was changed %s ago, and old keys may still be in use for an hour: wait, or add --now, after which people who are signing in begin again", file, age.Round(time.Second))
	}
	left, err := r.pass(ctx, r.db.Resealable)
	if err != nil {
		return err
	}
	if left.Sealed > 0 {
		return fmt.Errorf("%d values are still sealed with old keys: `latchkey secret rotate --reseal` first; where instances have copies of the keyring, they need the new one", left.Sealed)
	}
	if err := r.ring.Forget(); err != nil {
		return err
	}
	if err := r.save(ctx, "keyring.forget", map[string]string{"key": keyNumber(r.ring.Sealing())}); err != nil {
		return err
	}
	return r.tell(left, fmt.Sprintf("old keys are out of %s; backups from before the rotation open only with a copy of the keyring from then", file))
}

// tell says what was done, and names what opens with no key.
func (r *rotation) tell(done store.Resealing, says string) error {
	if done.Which == nil {
		done.Which = []string{}
	}
	return r.print(r.cmd, map[string]any{"ok": true, "keys": r.ring.Keys(), "sealed": done.Sealed, "broken": done.Broken, "which": done.Which}, func(w io.Writer) {
		fmt.Fprintln(w, says)
		if done.Broken > 0 {
			fmt.Fprintf(w, "%d values open with no key: they were altered or moved, or their key is gone. Nobody can use them: %s\n", done.Broken, clean(strings.Join(done.Which, ", ")))
		}
	})
}

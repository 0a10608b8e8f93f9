package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/mfa"
	"latchkey/mfa/trust"
)

// devices stores trusted devices. A cache in front spares the database most
// reads. Its entries are sealed, so that nobody who can write to it makes one
// up, and carry the person's trust number: it rises in the transaction that
// forgets a device, so that an entry from before is not believed, whether or
// not the cache heard of it. That a device is unknown is never remembered.
type devices struct{ d *DB }

// deviceMemory is how long a cache may spare the database the look at a
// device.
const deviceMemory = time.Hour

type deviceRow struct {
	ID, Subject, Hash        string
	Epoch                    int64
	Proven, Agent, IP, Place string
	Created, Used, Expires   int64
}

func (r *deviceRow) columns() []any {
	return []any{&r.ID, &r.Subject, &r.Hash, &r.Epoch, &r.Proven, &r.Agent, &r.IP, &r.Place, &r.Created, &r.Used, &r.Expires}
}

const deviceColumns = `d.id, d.subject, d.hash, d.epoch, d.proven, d.agent, d.ip, d.place, d.created, d.used, d.expires`

func (r deviceRow) device() trust.Device {
	return trust.Device{
		ID: r.ID, Subject: mfa.SubjectID(r.Subject), Hash: r.Hash, Epoch: r.Epoch, Proven: kinds(r.Proven), Agent: r.Agent, Address: r.IP, Place: r.Place,
		Created: at(r.Created), Used: at(r.Used), Expires: at(r.Expires),
	}
}

// raiseTrust makes what caches know of a person's devices worthless.
func raiseTrust(s mfa.SubjectID) stmt {
	return stmt{sql: `UPDATE users SET trust = trust + 1 WHERE id = ?`, args: []any{string(s)}}
}

func (s devices) Put(ctx context.Context, d trust.Device, replaced string) error {
	var stmts []stmt
	if replaced != "" {
		stmts = append(stmts, stmt{
			sql:  `DELETE FROM devices WHERE subject = ? AND hash = ?`,
			args: []any{string(d.Subject), replaced},
		}, raiseTrust(d.Subject))
	}
	return s.d.write(ctx, append(stmts, stmt{
		sql: `INSERT INTO devices (id, subject, hash, epoch, proven, agent, ip, place, created, used, expires)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		args: []any{d.ID, string(d.Subject), d.Hash, d.Epoch, joined(d.Proven), d.Agent, d.Address, d.Place, ms(d.Created), ms(d.Used), ms(d.Expires)},
	})...)
}

// remembered is what the cache holds of a device.
type remembered struct {
	Trust  int64        `json:"trust"`
	Device trust.Device `json:"device"`
}

func deviceKey(hash string) string { return "device:" + hash }

func devicePlace(s mfa.SubjectID, hash string) []byte {
	return place("cache", "device", string(s), hash)
}

func (s devices) ByHash(ctx context.Context, id mfa.SubjectID, number int64, hash string) (trust.Device, error) {
	if d, ok := s.recall(ctx, id, number, hash); ok {
		return d, nil
	}
	r, err := one[deviceRow](ctx, s.d.engine, trust.ErrForgotten, `SELECT `+deviceColumns+` FROM devices d
		WHERE d.hash = ? AND d.subject = ? AND d.expires > ?`, hash, string(id), ms(s.d.now()))
	if err != nil {
		return trust.Device{}, err
	}
	d := r.device()
	return d, s.remember(ctx, remembered{number, d})
}

// recall asks the cache. Whatever is wrong with an entry, it is none.
func (s devices) recall(ctx context.Context, id mfa.SubjectID, number int64, hash string) (trust.Device, bool) {
	sealed, ok := s.d.cache.Get(ctx, deviceKey(hash))
	if !ok {
		return trust.Device{}, false
	}
	var r remembered
	if err := s.d.openJSON([]byte(sealed), devicePlace(id, hash), &r); err != nil {
		return trust.Device{}, false
	}
	return r.Device, r.Trust == number && r.Device.Subject == id && r.Device.Hash == hash && s.d.now().Before(r.Device.Expires)
}

func (s devices) remember(ctx context.Context, r remembered) error {
	sealed, err := s.d.sealJSON(r, devicePlace(r.Device.Subject, r.Device.Hash))
	if err != nil {
		return err
	}
	s.d.cache.Set(ctx, deviceKey(r.Device.Hash), string(sealed), min(deviceMemory, r.Device.Expires.Sub(s.d.now())))
	return nil
}

// Of leaves out what a raised epoch has ended.
func (s devices) Of(ctx context.Context, id mfa.SubjectID) ([]trust.Device, error) {
	all, err := rows[deviceRow](ctx, s.d.engine, `SELECT `+deviceColumns+` FROM devices d
		JOIN users u ON u.id = d.subject AND u.epoch = d.epoch WHERE d.subject = ? AND d.expires > ?
		ORDER BY d.created DESC, d.id`, string(id), ms(s.d.now()))
	if err != nil {
		return nil, err
	}
	out := make([]trust.Device, len(all))
	for i, r := range all {
		out[i] = r.device()
	}
	return out, nil
}

// Keep locks the row until the transaction ends: whoever forgets the device
// now waits, and then finds what this transaction has opened.
func (s devices) Keep(ctx context.Context, d trust.Device, used bool) error {
	set, args := `used = used`, []any(nil)
	if used {
		set, args = `used = ?, ip = ?, place = ?`, []any{ms(d.Used), d.Address, d.Place}
	}
	err := s.d.write(ctx, stmt{
		sql:  `UPDATE devices SET ` + set + ` WHERE id = ? AND subject = ? AND hash = ? AND expires > ?`,
		args: append(args, d.ID, string(d.Subject), d.Hash, ms(s.d.now())),
		none: trust.ErrForgotten,
	})
	s.d.settled(ctx, err, func(err error) {
		if used || errors.Is(err, trust.ErrForgotten) {
			s.d.cache.Delete(ctx, deviceKey(d.Hash))
		}
	})
	return err
}

func (s devices) Drop(ctx context.Context, subject mfa.SubjectID, id string) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM devices WHERE id = ? AND subject = ?`,
		args: []any{id, string(subject)},
		none: trust.ErrForgotten,
	}, raiseTrust(subject))
}

func (s devices) DropAll(ctx context.Context, subject mfa.SubjectID) error {
	return s.d.write(ctx, endDevices(subject), raiseTrust(subject))
}

// endDevices forgets a person's devices. Where it goes with a raised epoch,
// that ends what caches know.
func endDevices(s mfa.SubjectID) stmt {
	return stmt{sql: `DELETE FROM devices WHERE subject = ?`, args: []any{string(s)}}
}

// joined and kinds write a list of kinds into a column and back.
func joined(ks []mfa.Kind) string {
	out := make([]string, len(ks))
	for i, k := range ks {
		out[i] = string(k)
	}
	return strings.Join(out, ",")
}

func kinds(column string) (out []mfa.Kind) {
	for k := range strings.SplitSeq(column, ",") {
		if k != "" {
			out = append(out, mfa.Kind(k))
		}
	}
	return out
}

package store

import (
	"context"
	"strings"

	"latchkey/idp"
	"latchkey/idp/mail"
)

// kept selects what can be sent once more: mails that were given up and still
// say what they said. A link or a code expires, and what expires is forgotten.
const kept = `channel = 'mail' AND sent = 0 AND due = 0 AND expires = 0 AND length(body) > 0`

type deliveryRow struct {
	ID, Channel, Recipient                     string
	Created, Due, Tries, Sent, Expires, IsKept int64
	Failure, HandledBy, Receipt                string
}

// Deliveries reads no texts.
func (s outbox) Deliveries(ctx context.Context, q mail.DeliveryQuery) ([]mail.Delivery, error) {
	where, args := []string{"1 = 1"}, []any{}
	only := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if q.Channel != "" {
		only(`channel = ?`, string(q.Channel))
	}
	if q.Failed {
		only(`sent = 0 AND failure <> '' AND NOT (` + unwanted + `)`)
	}
	if q.To != "" {
		only(`lower(recipient) = lower(?)`, q.To)
	}
	if q.After.ID != "" {
		only(`(created < ? OR created = ? AND id < ?)`, ms(q.After.Created), ms(q.After.Created), q.After.ID)
	}
	all, err := rows[deliveryRow](ctx, s.d.engine, `SELECT id, channel, recipient, created, due, tries, sent, failure, expires, handled_by, receipt,
		CASE WHEN `+kept+` THEN 1 ELSE 0 END AS is_kept
		FROM outbox WHERE `+strings.Join(where, " AND ")+` ORDER BY created DESC, id DESC LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	out := make([]mail.Delivery, len(all))
	for i, r := range all {
		out[i] = mail.Delivery{
			ID: r.ID, Channel: mail.Channel(r.Channel), To: r.Recipient, Created: at(r.Created), Due: at(r.Due), Tries: int(r.Tries), Sent: at(r.Sent),
			Failure: r.Failure, Expires: at(r.Expires), HandledBy: r.HandledBy, Receipt: r.Receipt, Kept: r.IsKept == 1,
		}
	}
	return out, nil
}

func (s outbox) Kept(ctx context.Context, id string) (mail.Message, error) {
	r, err := one[outboxRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+outboxColumns+` FROM outbox WHERE id = ? AND `+kept, id)
	if err != nil {
		return mail.Message{}, err
	}
	return s.message(r)
}

func (s outbox) Forget(ctx context.Context, id string) error {
	return s.d.write(ctx, stmt{sql: `UPDATE outbox SET body = ? WHERE id = ? AND ` + kept, args: []any{[]byte{}, id}, none: idp.ErrSpent})
}

package store

import (
	"context"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/migrations"
)

type outbox struct {
	d    *DB
	only []mail.Channel
}

// Outbox keeps messages until they are sent. A sender that is good for some
// channels names them, and claims no others.
func (d *DB) Outbox(only ...mail.Channel) mail.Outbox { return outbox{d, only} }

// due selects what may be claimed now.
func (s outbox) due() (where string, args []any) {
	where, args = `due > 0 AND due <= ?`, []any{ms(s.d.now())}
	if len(s.only) > 0 {
		where, args = where+` AND channel IN (`+marks(len(s.only))+`)`, append(args, anys(s.only)...)
	}
	return where, args
}

// message is what a message says; it may be for one pair of eyes, so it lies
// sealed.
type message struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
}

type outboxRow struct {
	ID, Channel, Recipient    string
	Body                      []byte
	Created, Due, Tries, Sent int64
	Failure                   string
	Expires                   int64
	HandledBy, Receipt        string
}

const outboxColumns = `id, channel, recipient, body, created, due, tries, sent, failure, expires, handled_by, receipt`

// outboxPlace binds the text to its recipient: a changed address does not get it.
func outboxPlace(id, recipient string) []byte { return place("outbox", "body", id, recipient) }

func (s outbox) message(r outboxRow) (mail.Message, error) {
	var b message // of one that is sent nothing is left
	if len(r.Body) > 0 {
		if err := s.d.openJSON(r.Body, outboxPlace(r.ID, r.Recipient), &b); err != nil {
			return mail.Message{}, err
		}
	}
	return mail.Message{
		ID: r.ID, Channel: mail.Channel(r.Channel), To: r.Recipient, Subject: b.Subject, Text: b.Text, HTML: b.HTML,
		Created: at(r.Created), Due: at(r.Due), Tries: int(r.Tries), Sent: at(r.Sent), Failure: r.Failure,
		Expires: at(r.Expires), HandledBy: r.HandledBy, Receipt: r.Receipt,
	}, nil
}

// Put adds a message. One with a topic that is to be quiet is written only if
// it won the topic: the upsert lets one of many through, and the others find
// the winner's id.
func (s outbox) Put(ctx context.Context, m mail.Message) error {
	body, err := s.d.sealJSON(message{m.Subject, m.Text, m.HTML}, outboxPlace(m.ID, m.To))
	if err != nil {
		return err
	}
	args := []any{
		m.ID, string(m.Channel), m.To, body, ms(m.Created), ms(m.Due), m.Tries, ms(m.Sent), m.Failure, ms(m.Expires), m.HandledBy, m.Receipt,
	}
	insert := stmt{
		sql:  `INSERT INTO outbox (` + outboxColumns + `) VALUES (` + marks(len(args)) + `)`,
		args: args, taken: idp.ErrTaken,
	}
	switch {
	case m.Topic == "":
		return s.d.write(ctx, insert)
	case m.Quiet <= 0:
		return s.d.write(ctx, append(s.replace(m), insert)...)
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO outbox_topics (topic, message, ends) VALUES (?, ?, ?)
			ON CONFLICT (topic) DO UPDATE SET message = excluded.message, ends = excluded.ends WHERE outbox_topics.ends <= ?`,
		args: []any{m.Topic, m.ID, ms(m.Created.Add(m.Quiet)), ms(m.Created)},
	}, stmt{
		sql: `INSERT INTO outbox (` + outboxColumns + `) SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS ` + s.d.bytes() + `),
			CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT)
			WHERE EXISTS (SELECT 1 FROM outbox_topics WHERE topic = ? AND message = ?)`,
		args: append(args, m.Topic, m.ID), taken: idp.ErrTaken,
	})
}

// replace gives up the last message on a topic, unless it is sent, and makes m
// the last one. One that is in somebody's hands right now still goes out.
func (s outbox) replace(m mail.Message) []stmt {
	ends := m.Expires
	if ends.IsZero() {
		ends = m.Created.Add(mail.Patience)
	}
	return []stmt{{
		sql: `UPDATE outbox SET due = 0, body = ?, failure = ?
			WHERE sent = 0 AND (due > 0 OR failure = ?) AND id = (SELECT message FROM outbox_topics WHERE topic = ?)`,
		args: []any{[]byte{}, mail.WasReplaced, mail.WasWithdrawn, m.Topic},
	}, {
		sql: `INSERT INTO outbox_topics (topic, message, ends) VALUES (?, ?, ?)
			ON CONFLICT (topic) DO UPDATE SET message = excluded.message, ends = excluded.ends`,
		args: []any{m.Topic, m.ID, ms(ends)},
	}}
}

// withdraw gives up what has not been sent yet of the links of a person: nobody
// can follow them any more. In a transaction that mails a new one it is then said
// to be replaced. No purposes: all.
func withdraw(id idp.UserID, ps ...idp.Purpose) stmt {
	if len(ps) == 0 {
		ps = idp.Mailed
	}
	args := []any{[]byte{}, mail.WasWithdrawn}
	for _, p := range ps {
		args = append(args, p.Topic(id))
	}
	return stmt{
		sql: `UPDATE outbox SET due = 0, body = ?, failure = ?
			WHERE sent = 0 AND due > 0 AND id IN (SELECT message FROM outbox_topics WHERE topic IN (` + marks(len(ps)) + `))`,
		args: args,
	}
}

// unwanted are those that are given up and did not fail.
const unwanted = `due = 0 AND failure IN ('` + mail.WasReplaced + `', '` + mail.WasWithdrawn + `')`

// bytes is the dialect's name of a column type for bytes: a cast in SQLite
// must say BLOB, because any other name makes it a number.
func (d *pools) bytes() string {
	if d.dialect == migrations.Postgres {
		return "BYTEA"
	}
	return "BLOB"
}

// Claim moves due ahead in one guarded statement. What somebody waits for comes
// before the news. Two senders never get the
// same message: the second finds it not due, or, on PostgreSQL, passes it over
// while the first one's claim is still being written.
func (s outbox) Claim(ctx context.Context, limit int, lease time.Duration) ([]mail.Message, error) {
	now := s.d.now()
	where, args := s.due()
	waiting, err := rows[struct{ N int }](ctx, s.d.engine, `SELECT 1 AS n FROM outbox WHERE `+where+` LIMIT 1`, args...)
	if err != nil || len(waiting) == 0 {
		return nil, err // the usual case takes no lock
	}
	skip := ``
	if s.d.dialect == migrations.Postgres {
		skip = ` FOR UPDATE SKIP LOCKED`
	}
	claimed, err := returning[outboxRow](ctx, s.d.engine, `WITH next AS (SELECT id FROM outbox WHERE `+where+` ORDER BY CASE WHEN expires > 0 THEN 0 ELSE 1 END, due LIMIT ?`+skip+`)
		UPDATE outbox SET due = ?, tries = tries + 1 WHERE id IN (SELECT id FROM next) AND due > 0 AND due <= ?
		RETURNING `+outboxColumns, append(args, limit, ms(now.Add(lease)), ms(now))...)
	if err != nil {
		return nil, err
	}
	var out []mail.Message
	for _, r := range claimed {
		m, err := s.message(r)
		if err != nil {
			// Given up by itself: it must not hold up those beside it.
			if err := s.Retry(ctx, mail.Message{ID: r.ID, Due: at(r.Due)}, time.Time{}, err.Error()); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, m)
	}
	return out, nil
}

// Done does not ask whose lease it is: the message is with its recipient.
func (s outbox) Done(ctx context.Context, m mail.Message) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE outbox SET sent = ?, due = 0, body = ?, failure = '', handled_by = ?, receipt = ? WHERE id = ? AND sent = 0`,
		args: []any{ms(s.d.now()), []byte{}, text(m.HandledBy), text(m.Receipt), m.ID},
	})
}

func (s outbox) Retry(ctx context.Context, m mail.Message, due time.Time, failure string) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE outbox SET due = ?, failure = ?, body = CASE WHEN expires > 0 AND CAST(? AS BIGINT) = 0 THEN CAST(? AS ` + s.d.bytes() + `) ELSE body END
			WHERE id = ? AND sent = 0 AND due = ?`,
		args: []any{ms(due), text(failure), ms(due), []byte{}, m.ID, ms(m.Due)},
	})
}

func (s outbox) Newest(ctx context.Context, limit int) ([]mail.Message, error) {
	return s.list(ctx, ``, limit)
}

func (s outbox) Unsent(ctx context.Context, limit int) ([]mail.Message, error) {
	return s.list(ctx, ` WHERE sent = 0 AND failure <> ''`, limit)
}

func (s outbox) list(ctx context.Context, where string, limit int) ([]mail.Message, error) {
	all, err := rows[outboxRow](ctx, s.d.engine, `SELECT `+outboxColumns+` FROM outbox`+where+` ORDER BY created DESC, id DESC LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	out := make([]mail.Message, len(all))
	for i, r := range all {
		m, err := s.message(r)
		if err != nil { // one row that somebody had a hand in hides none of the others
			r.Body, r.Failure = nil, err.Error()
			m, _ = s.message(r)
		}
		out[i] = m
	}
	return out, nil
}

// text is what a column of text takes of a stranger's answer: valid UTF-8
// without NUL, and not more than anybody reads.
func text(answer string) string {
	const longest = 1000
	if len(answer) > longest {
		answer = answer[:longest]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(answer, "\x00", ""), "")
}

package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"latchkey/idp"
	"latchkey/idp/replay"
)

// apiRequests stores the answers to requests that may be sent again.
type apiRequests struct{ d *DB }

type requestRow struct {
	Hash   string
	Status int
	Head   string
	Answer string
}

// answerPlace binds an answer to who asked, and what: it may say of people what
// nobody shall read in a copy of the database (SECURITY.md D-06).
func answerPlace(caller, key, hash string) []byte {
	return place("api_requests", "answer", caller, key, hash)
}

// Begin may not run inside an Atomic: what it decides must be seen by the
// request beside it.
func (s apiRequests) Begin(ctx context.Context, r replay.Request, now, lease, expires time.Time) (replay.Answer, string, bool, error) {
	ours, err := returning[struct{ N int }](ctx, s.d.engine, `INSERT INTO api_requests (caller, name, hash, status, head, answer, lease, expires)
		VALUES (?, ?, ?, 0, '{}', '', ?, ?) ON CONFLICT (caller, name) DO UPDATE SET hash = excluded.hash, status = 0, head = '{}', answer = '',
			lease = excluded.lease, expires = excluded.expires
		WHERE api_requests.expires <= ? OR (api_requests.status = 0 AND api_requests.lease <= ?) RETURNING 1 AS n`,
		r.Caller, r.Key, r.Hash, ms(lease), ms(expires), ms(now), ms(now))
	if err != nil || len(ours) > 0 {
		return replay.Answer{}, r.Hash, err == nil, err
	}
	row, err := one[requestRow](ctx, s.d.engine, replay.ErrUnderWay, // it ended in this very moment
		`SELECT hash, status, head, answer FROM api_requests WHERE caller = ? AND name = ?`, r.Caller, r.Key)
	if err != nil {
		return replay.Answer{}, "", false, err
	}
	a := replay.Answer{Status: row.Status}
	if row.Status == 0 {
		return a, row.Hash, false, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(row.Answer)
	if err != nil {
		return replay.Answer{}, "", false, err
	}
	said, err := s.d.ring.Open(sealed, answerPlace(r.Caller, r.Key, row.Hash))
	if err != nil {
		return replay.Answer{}, "", false, err
	}
	a.Body = string(said)
	return a, row.Hash, false, json.Unmarshal([]byte(row.Head), &a.Head)
}

func (s apiRequests) Done(ctx context.Context, r replay.Request, a replay.Answer) error {
	head, err := json.Marshal(a.Head)
	if err != nil {
		return err
	}
	sealed, err := s.d.ring.Seal([]byte(a.Body), answerPlace(r.Caller, r.Key, r.Hash))
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE api_requests SET status = ?, head = ?, answer = ? WHERE caller = ? AND name = ? AND hash = ? AND status = 0`,
		args: []any{a.Status, string(head), base64.StdEncoding.EncodeToString(sealed), r.Caller, r.Key, r.Hash}, none: idp.ErrSpent,
	})
}

func (s apiRequests) Drop(ctx context.Context, r replay.Request) error {
	return s.d.write(ctx, stmt{
		sql: `DELETE FROM api_requests WHERE caller = ? AND name = ? AND hash = ? AND status = 0`, args: []any{r.Caller, r.Key, r.Hash},
	})
}

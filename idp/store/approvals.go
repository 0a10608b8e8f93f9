package store

import (
	"context"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// approvals keeps temporary codes that wait for a second administrator.
type approvals struct{ d *DB }

type approvalRow struct {
	ID, UserID, Requester, Approver, Reason string
	Life, Uses, Created, Expires            int64
}

const approvalColumns = `id, user_id, requester, approver, reason, life, uses, created, expires`

func (r *approvalRow) columns() []any {
	return []any{&r.ID, &r.UserID, &r.Requester, &r.Approver, &r.Reason, &r.Life, &r.Uses, &r.Created, &r.Expires}
}

func (r approvalRow) approval() account.Approval {
	return account.Approval{
		ID: r.ID, User: idp.UserID(r.UserID), Requester: idp.UserID(r.Requester), Approver: idp.UserID(r.Approver),
		Temporary: account.Temporary{Reason: r.Reason, For: time.Duration(r.Life) * time.Millisecond, Uses: int(r.Uses)},
		Created:   at(r.Created), Expires: at(r.Expires),
	}
}

func (s approvals) Add(ctx context.Context, a account.Approval) error {
	return s.d.write(ctx, stmt{
		sql: `DELETE FROM approvals WHERE user_id = ? AND requester = ?`, args: []any{string(a.User), string(a.Requester)},
	}, stmt{
		sql: `INSERT INTO approvals (` + approvalColumns + `) VALUES (` + marks(9) + `)`,
		args: []any{
			a.ID, string(a.User), string(a.Requester), string(a.Approver), a.Reason, a.For.Milliseconds(), a.Uses, ms(a.Created), ms(a.Expires),
		}, taken: idp.ErrTaken,
	})
}

func (s approvals) ByID(ctx context.Context, id string) (account.Approval, error) {
	r, err := one[approvalRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+approvalColumns+` FROM approvals WHERE id = ? AND expires > ?`, id, ms(s.d.now()))
	return r.approval(), err
}

func (s approvals) All(ctx context.Context, whose idp.UserID) ([]account.Approval, error) {
	const most = 200
	all, err := rows[approvalRow](ctx, s.d.engine, `SELECT `+approvalColumns+` FROM approvals WHERE expires > ? AND (user_id = ? OR ? = '')
		ORDER BY created, id LIMIT ?`, ms(s.d.now()), string(whose), string(whose), most)
	out := make([]account.Approval, len(all))
	for i, r := range all {
		out[i] = r.approval()
	}
	return out, err
}

func (s approvals) Allow(ctx context.Context, id string, by idp.UserID, expires time.Time) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE approvals SET approver = ?, expires = ? WHERE id = ? AND approver = '' AND requester <> ? AND user_id <> ? AND expires > ?`,
		args: []any{string(by), ms(expires), id, string(by), string(by), ms(s.d.now())}, none: idp.ErrSpent,
	})
}

func (s approvals) Spend(ctx context.Context, id string, allowed bool) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM approvals WHERE id = ? AND (approver <> '') = ? AND expires > ?`,
		args: []any{id, allowed, ms(s.d.now())}, none: idp.ErrSpent,
	})
}

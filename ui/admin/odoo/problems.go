package odoo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/rpc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// problems are the failures that have words: admin.odoo.problem.KEY. The first
// match counts.
var problems = []struct {
	err error
	key string
}{
	{connector.ErrAccident, "accident"},
	{rpc.ErrUnreachable, "unreachable"},
	{rpc.ErrWrongKey, "wrong_key"},
	{rpc.ErrNoDatabase, "no_database"},
	{rpc.ErrNotOdoo, "not_odoo"},
	{rpc.ErrOld, "old"},
	{rpc.ErrDenied, "rights"},
	{rpc.ErrFault, "fault"},
	{rpc.ErrNotFound, "fault"},
	{idp.ErrInvalid, "invalid"},
	{idp.ErrTaken, "taken"},
	{idp.ErrBusy, "busy"},
	{context.DeadlineExceeded, "unreachable"},
}

// problemOf finds the words for a failure; "" when there are none.
func problemOf(err error) string {
	if errors.Is(err, idp.ErrDenied) && !errors.Is(err, rpc.ErrDenied) {
		return "" // the visitor's own rights
	}
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.key
		}
	}
	return ""
}

// explained lets a job that failed say why.
func explained(err error) error {
	if key := problemOf(err); key != "" {
		return &job.Problem{Key: key, Detail: said(err), Err: err}
	}
	return err
}

// told draws a failure that has words on the page's own head, or reports that it
// has none.
func told(c *page.Context, h admin.Head, err error) (admin.Head, bool) {
	key := problemOf(err)
	if key == "" {
		return h, false
	}
	return h.Refused(c.Words.T(fmt.Sprintf("admin.odoo.problem.%s", key)), said(err)), true
}

// said is an error as an administrator reads it: without the words that are for
// programs.
func said(err error) string { return strings.ReplaceAll(err.Error(), idp.ErrInvalid.Error()+": ", "") }

package odoo

import (
	"net/http"

	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// explained lets a job that failed say why.
func explained(err error) error {
	why := connector.Why(err)
	if why.Kind == "" {
		return err
	}
	return &job.Problem{Key: why.Kind, Detail: connector.Plainly(err), Reason: why, Err: err}
}

// told draws a failure that has words on the page's own head, or reports that it
// has none.
func told(c *page.Context, h admin.Head, err error) (admin.Head, bool) {
	why := connector.Why(err)
	if why.Kind == "" {
		return h, false
	}
	l := odoowords.Reason(c.Words, why, connector.Plainly(err))
	return h.Refused(l.Title, l.Text()).Detailed(l.Detail), true
}

// failed is why work failed.
func failed(c *page.Context, j job.Job) (odoowords.Line, error) {
	var why connector.Reason
	if err := j.Why(&why); err != nil {
		return odoowords.Line{}, err
	}
	if why.Kind == "" { // kept by a former version, or no failure of an Odoo
		why = connector.Reason{Kind: j.Key}
		l := odoowords.Reason(c.Words, why, "")
		if l.English = j.Detail; l.Title == "" {
			l.Title = c.Words.T("admin.odoo.problem.other")
		}
		return l, nil
	}
	return odoowords.Reason(c.Words, why, j.Detail), nil
}

// instead draws a failure that has words in the place of a page.
func instead(c *page.Context, head admin.Head, id string, err error) error {
	head, ok := told(c, head, err)
	if !ok {
		return err
	}
	return c.Show(set, http.StatusBadGateway, "failed.html", confirmView{Head: head, Confirm: admin.Confirm{Cancel: address(id)}})
}

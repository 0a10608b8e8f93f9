package profile

import (
	"errors"
	"io"
	"net/http"

	"latchkey/mfa"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// dataView is the page of a person's data.
type dataView struct {
	head
	Closing bool // they may ask for their account to be closed
}

func (p *Pages) data(c *page.Context, _ visit) error {
	return p.showData(c, http.StatusOK, headOf(c))
}

func (p *Pages) showData(c *page.Context, status int, h head) error {
	c.Here(data)
	return c.Show(set, status, "data.html", dataView{h, p.Self.Desk != nil})
}

// export answers with everything that is held, as a file.
func (p *Pages) export(c *page.Context, v visit) error {
	begun := false
	err := p.Data.Write(c.Context(), v.by, func() io.Writer {
		begun = true
		return c.Download(c.Words.T("profile.data_file"), "application/json")
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // half a file must not look whole
	}
	return err
}

func (p *Pages) askClosing(c *page.Context, v visit) error {
	err := p.Self.AskClosing(c.Context(), v.by)
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		h := headOf(c)
		h.Error = &pages.Complaint{Title: c.Words.T("profile.closing_asked_title"), Text: c.Words.T("profile.closing_asked")}
		return p.showData(c, http.StatusTooManyRequests, h)
	} else if err != nil {
		return err
	}
	return c.Redirect(data + "?done=closing")
}

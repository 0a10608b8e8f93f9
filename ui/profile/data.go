package profile

import (
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"latchkey/idp/account"
	"latchkey/mfa"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// dataView is the page of a person's data.
type dataView struct {
	head
	Closing bool // they may ask for their account to be closed
}

// copies is the page on which people take a copy of their data, or their leave.
type copies struct {
	self *account.Self
	data Writer
}

func (p copies) mount(r gin.IRouter, s *page.Site, g gate) {
	r.GET(data, s.Members(g.enter(data, p.page)))
	r.POST(data, s.Members(g.prove(data, p.export), to(data)))
	r.POST(data+"/close", s.Members(g.prove(data, p.askClosing), to(data)))
}

func (p copies) page(c *page.Context, _ visit) error {
	return p.show(c, http.StatusOK, headOf(c))
}

func (p copies) show(c *page.Context, status int, h head) error {
	c.Here(data)
	return c.Show(set, status, "data.html", dataView{h, p.self.Desk != nil})
}

// export answers with everything that is held, as a file.
func (p copies) export(c *page.Context, v visit) error {
	begun := false
	err := p.data.Write(c.Context(), v.by, func() io.Writer {
		begun = true
		return c.Download(c.Words.T("profile.data_file"), "application/json")
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // half a file must not look whole
	}
	return err
}

func (p copies) askClosing(c *page.Context, v visit) error {
	err := p.self.AskClosing(c.Context(), v.by)
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		h := headOf(c)
		h.Error = &pages.Complaint{Title: c.Words.T("profile.closing_asked_title"), Text: c.Words.T("profile.closing_asked")}
		return p.show(c, http.StatusTooManyRequests, h)
	} else if err != nil {
		return err
	}
	return c.Redirect(data + "?done=closing")
}

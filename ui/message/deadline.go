package message

import (
	"context"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/posture"
	"latchkey/ui/locale"
)

// Deadline reminds a person that a policy will soon demand what they have not
// set up. It is written once for its topic, whoever else writes it, and keeps
// to addresses that are known to be theirs (SECURITY.md E-06).
func (s *Notices) Deadline(ctx context.Context, u idp.User, r posture.Reminder) error {
	if u.Email == "" || !u.EmailVerified {
		return nil
	}
	m, err := s.ComposeDeadline(u, r)
	if err != nil {
		return err
	}
	// The topic is taken until the deadline has passed; it never comes again.
	m.Topic, m.Quiet = r.Topic, max(r.At.Sub(m.Created), 0)+24*time.Hour
	return s.Outbox.Put(ctx, m)
}

// ComposeDeadline writes the mail without sending it.
func (s *Notices) ComposeDeadline(u idp.User, r posture.Reminder) (mail.Message, error) {
	p := locale.For([]string{u.Locale}, "")
	head, w := s.masthead(p), says{p, s.Texts, "deadline"}
	// Deadlines are days in UTC, and so they are told.
	day := p.Date(r.At.UTC())
	v := view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand, day), Hello: p.T("mail.hello", line(u.Name)),
		What: w.part("text", day, head.Brand), Next: w.part("next"),
		Facts: []fact{{p.T("mail.account"), line(u.Login)}, {p.T("mail.deadline_from"), day}},
		Link:  strings.TrimRight(s.Issuer, "/") + "/my/security", Review: p.T("mail.deadline_link"), Why: p.T("mail.why", head.Brand),
	}
	var ways []string
	for _, k := range r.SetUp {
		if name := "factor." + string(k) + ".name"; p.Has(name) {
			ways = append(ways, p.T(name))
		}
	}
	if len(ways) > 0 {
		v.Facts = append(v.Facts, fact{p.T("mail.deadline_ways"), strings.Join(ways, ", ")})
	} else {
		v.Next, v.Review = w.part("stuck"), p.T("mail.review")
	}
	return s.draw(u, v)
}

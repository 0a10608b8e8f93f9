package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// T-08: the log of deliveries says who was written to and what became of it,
// never what was said; only news can be sent again, and once.
func TestDeliveries(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, box, log := t.Context(), db.Outbox(), db.Deliveries
		fail := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		ids := map[string]string{}
		put := func(name string, ch mail.Channel, to string, expires time.Time) {
			m := mail.New(ch, to, clock.Now())
			m.Text, m.Expires, ids[name] = "text of "+name, expires, m.ID
			fail(box.Put(ctx, m))
		}
		put("news", mail.Mail, "Ada@example.org", time.Time{})
		put("link", mail.Mail, "ada@example.org", clock.Now().Add(time.Hour)) // of the same moment
		put("code", mail.SMS, "+33612345678", clock.Now().Add(time.Hour))
		clock.Pass(time.Second)
		all, err := box.Claim(ctx, 10, time.Minute)
		fail(err)
		for _, m := range all {
			if m.Channel == mail.Mail {
				fail(box.Retry(ctx, m, time.Time{}, "550"))
			} else {
				fail(box.Done(ctx, m))
			}
		}
		put("later", mail.Mail, "bo@example.org", time.Time{})
		list := func(q mail.DeliveryQuery) (out []string) {
			t.Helper()
			if q.Limit == 0 {
				q.Limit = 10
			}
			got, err := log.Deliveries(ctx, q)
			fail(err)
			for _, d := range got {
				out = append(out, d.ID)
			}
			return out
		}
		for name, c := range map[string]struct {
			q    mail.DeliveryQuery
			want []string
		}{
			"sms":       {mail.DeliveryQuery{Channel: mail.SMS}, []string{"code"}},
			"failed":    {mail.DeliveryQuery{Failed: true, To: "ADA@example.org"}, []string{"news", "link"}},
			"recipient": {mail.DeliveryQuery{To: "bo@example.org"}, []string{"later"}},
			"nobody":    {mail.DeliveryQuery{To: "a"}, nil},
		} {
			got := list(c.q)
			for _, w := range c.want {
				if !slices.Contains(got, ids[w]) {
					t.Errorf("%s lacks %s", name, w)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("%s: %d, want %d", name, len(got), len(c.want))
			}
		}
		// A page at a time is the whole, in the same order.
		var paged []string
		after := mail.Place{}
		for range 9 {
			got, err := log.Deliveries(ctx, mail.DeliveryQuery{After: after, Limit: 1})
			fail(err)
			if len(got) == 0 {
				break
			}
			paged, after = append(paged, got[0].ID), mail.ParsePlace(got[0].Place().String())
		}
		if !slices.Equal(paged, list(mail.DeliveryQuery{})) || len(paged) != 4 || paged[0] != ids["later"] {
			t.Errorf("%v", paged)
		}
		states := map[string]mail.Delivery{}
		got, err := log.Deliveries(ctx, mail.DeliveryQuery{Limit: 10})
		fail(err)
		for _, d := range got {
			states[d.ID] = d
		}
		for name, want := range map[string]struct {
			state mail.State
			kept  bool
		}{"news": {mail.GivenUp, true}, "link": {mail.GivenUp, false}, "code": {mail.Sent, false}, "later": {mail.Waiting, false}} {
			if d := states[ids[name]]; d.State() != want.state || d.Kept != want.kept {
				t.Errorf("%s: %+v", name, d)
			}
		}
		m, err := log.Kept(ctx, ids["news"])
		if err != nil || m.Text != "text of news" {
			t.Errorf("%+v, %v", m, err)
		}
		fail(log.Forget(ctx, ids["news"]))
		if err := log.Forget(ctx, ids["news"]); !errors.Is(err, idp.ErrSpent) {
			t.Errorf("twice: %v", err)
		}
		for _, name := range []string{"news", "link", "code", "later"} {
			if _, err := log.Kept(ctx, ids[name]); !errors.Is(err, idp.ErrNotFound) {
				t.Errorf("%s is kept: %v", name, err)
			}
		}
	})
}

package store_test

import (
	"slices"
	"testing"

	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// A sender gets the messages of its channels and leaves the others to others.
func TestOutboxChannels(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		for _, c := range []mail.Channel{mail.Mail, mail.SMS, mail.Logout} {
			m := letter(clock.Now(), string(c))
			m.Channel = c
			put(t, db.Outbox(), m)
		}
		var got []mail.Channel
		for _, m := range slices.Concat(claim(t, db.Outbox(mail.Logout), 1), claim(t, db.Outbox(mail.Mail, mail.SMS), 2), claim(t, db.Outbox(), 0)) {
			got = append(got, m.Channel)
		}
		slices.Sort(got[1:])
		if !slices.Equal(got, []mail.Channel{mail.Logout, mail.Mail, mail.SMS}) {
			t.Errorf("%q", got)
		}
	})
}

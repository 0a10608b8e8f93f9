package store_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

func TestPolicyComesBackWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := policy.Policy{
			Name: "p", Enabled: true,
			Whom:  policy.Whom{Kind: "portal", Groups: []string{"g"}, Users: []string{"u"}, Except: []policy.Except{{User: "e", Until: "2027-01-31"}}},
			Where: policy.Where{Clients: []string{"odoo"}, Networks: policy.Networks{In: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, NotIn: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}}},
			What: policy.What{
				Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "sms"}, Enrolment: policy.Enrolment{GraceDays: 14}, Devices: &policy.Devices{},
				Session: policy.Session{Absolute: 12 * time.Hour, Idle: 90 * time.Second}, Codes: policy.Codes{Validity: time.Minute, Digits: 8, Tries: 3},
				Passkeys: policy.Passkeys{Clones: "refuse", Attestation: "required", Models: []string{"cb69481e-8ff7-4039-93ec-0a2729a154a8"}},
				Banner:   map[string]string{"en": "Hello"},
			},
		}
		must(t, db.Policies.Apply(t.Context(), []policy.Policy{want}))
		got, err := db.Policies.InForce(t.Context())
		must(t, err)
		if len(got) != 1 || got[0].ID == "" {
			t.Fatalf("%+v", got)
		}
		want.ID = got[0].ID
		if !reflect.DeepEqual(got[0], want) {
			t.Errorf("\n got %+v\nwant %+v", got[0], want)
		}
	})
}

// A policy that is changed keeps the days of grace that have begun; one that is
// removed takes them along.
func TestGraceFollowsThePolicy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, begun := t.Context(), time.UnixMilli(1_800_000_000_000).UTC()
		person(t, db, "ann")
		p := policy.Policy{Name: "p", Enabled: true, What: policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 14}}}
		other := policy.Policy{Name: "q", Enabled: true, What: policy.What{Assurance: policy.MFA}}
		must(t, db.Policies.Apply(ctx, []policy.Policy{p, other}))
		all, err := db.Policies.All(ctx)
		must(t, err)
		must(t, db.Users.BeginGrace(ctx, "ann", []string{all[0].ID, all[1].ID}, begun))
		p.What.Enrolment.GraceDays = 7
		must(t, db.Policies.Apply(ctx, []policy.Policy{p}))
		graces := func() map[string]time.Time {
			u, err := db.Users.ByID(ctx, "ann")
			must(t, err)
			for id, at := range u.Graces {
				u.Graces[id] = at.UTC()
			}
			return u.Graces
		}
		if got := graces(); !reflect.DeepEqual(got, map[string]time.Time{all[0].ID: begun, all[1].ID: begun}) {
			t.Errorf("%v", got)
		}
		must(t, db.Policies.Remove(ctx, "p"))
		if got := graces(); !reflect.DeepEqual(got, map[string]time.Time{all[1].ID: begun}) {
			t.Errorf("%v", got)
		}
		wantErr(t, db.Policies.Remove(ctx, "p"), idp.ErrNotFound)
	})
}

package connector

import (
	"time"
)

// SyncState is how a connection that is kept in step stands.
type SyncState struct {
	Mark      time.Time     `json:"mark"`              // the latest change in Odoo that is known here
	Swept     time.Time     `json:"swept"`             // when everybody was compared last
	Groups    time.Time     `json:"groups"`            // when a group that matters was written last, at that time
	Unlinked  time.Time     `json:"unlinked"`          // when a link was last found to be gone there
	Ran       time.Time     `json:"ran"`               // the last run
	Succeeded time.Time     `json:"succeeded"`         // the last that worked
	Failures  int           `json:"failures"`          // in a row
	Failure   string        `json:"failure,omitempty"` // in English
	Why       *Reason       `json:"why,omitempty"`
	Last      SyncCounts    `json:"last"`  // what the last run did
	Total     SyncCounts    `json:"total"` // what all runs did
	Troubles  []SyncTrouble `json:"troubles,omitempty"`
}

// SyncTrouble is somebody who could not be brought in step.
type SyncTrouble struct {
	Odoo  int64  `json:"odoo_id"`
	Login string `json:"login"`
	Text  string `json:"message"`         // in English
	Class Class  `json:"class,omitempty"` // of somebody who is not brought in, and what is said of it
	Said
}

// due is when a connection runs again: later and later while nothing works.
func (s SyncState) due() time.Time {
	wait := syncEvery
	for range s.Failures {
		wait = min(2*wait, syncWorst)
	}
	return s.Ran.Add(wait)
}

// SyncCounts says what a run of the synchronisation did.
type SyncCounts struct {
	Read     int `json:"read"`
	Created  int `json:"created"`
	Changed  int `json:"changed"`
	Disabled int `json:"disabled"`
	Enabled  int `json:"enabled"`
	Archived int `json:"archived"` // in Odoo
	Restored int `json:"restored"` // in Odoo
	Locked   int `json:"locked"`   // in Odoo: their password there was replaced
	Invited  int `json:"invited"`
	LeftOut  int `json:"left_out"` // new ones, by the rules of the import; people with a role here
	Failed   int `json:"failed"`   // people who could not be brought in step
}

func (c SyncCounts) plus(d SyncCounts) SyncCounts {
	return SyncCounts{
		Read: c.Read + d.Read, Created: c.Created + d.Created, Changed: c.Changed + d.Changed, Disabled: c.Disabled + d.Disabled,
		Enabled: c.Enabled + d.Enabled, Archived: c.Archived + d.Archived, Restored: c.Restored + d.Restored, Locked: c.Locked + d.Locked, Invited: c.Invited + d.Invited,
		LeftOut: c.LeftOut + d.LeftOut, Failed: c.Failed + d.Failed,
	}
}

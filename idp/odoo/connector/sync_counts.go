package connector

// SyncCounts says what a run of the synchronisation did.
type SyncCounts struct {
	Read     int `json:"read"`
	Created  int `json:"created"`
	Changed  int `json:"changed"`
	Disabled int `json:"disabled"`
	Enabled  int `json:"enabled"`
	Archived int `json:"archived"` // in Odoo
	Restored int `json:"restored"` // in Odoo
	LeftOut  int `json:"left_out"` // new ones, by the rules of the import
	Failed   int `json:"failed"`   // people who could not be brought in step
}

func (c SyncCounts) plus(d SyncCounts) SyncCounts {
	return SyncCounts{
		Read: c.Read + d.Read, Created: c.Created + d.Created, Changed: c.Changed + d.Changed, Disabled: c.Disabled + d.Disabled,
		Enabled: c.Enabled + d.Enabled, Archived: c.Archived + d.Archived, Restored: c.Restored + d.Restored, LeftOut: c.LeftOut + d.LeftOut, Failed: c.Failed + d.Failed,
	}
}

package api

import (
	"latchkey/idp"
	"latchkey/idp/odoo/connector"
)

// namesNeed tells of what this file leaves out.
const namesNeed = "Who it is about, and what is said of them, is there for people:read, too."

// A right to look at Odoos, or to change them, is none to the names and logins of
// their people: what may hold one is left out for callers who may not see people
// (SECURITY.md D-01). That is whatever is said of somebody, and whatever Odoo says
// itself: the texts of its errors name people.

func seesPeople(by idp.Actor) bool { return by.May(idp.SeePeople) == nil }

func unnamed(by idp.Actor, all []connector.SyncTrouble) []connector.SyncTrouble {
	if seesPeople(by) {
		return all
	}
	return each(all, func(t connector.SyncTrouble) connector.SyncTrouble { return connector.SyncTrouble{Odoo: t.Odoo} })
}

// unnamedFailure leaves of a failure its kind and which sentence is said of it.
func unnamedFailure(by idp.Actor, text string, why *connector.Reason) (string, *connector.Reason) {
	if seesPeople(by) {
		return text, why
	}
	if why != nil {
		why = &connector.Reason{Kind: why.Kind, Said: connector.Said{Says: why.Says}, Check: why.Check}
	}
	return "", why
}

func unnamedState(by idp.Actor, s connector.SyncState) connector.SyncState {
	s.Troubles = unnamed(by, s.Troubles)
	s.Failure, s.Why = unnamedFailure(by, s.Failure, s.Why)
	return s
}

func unnamedRun(by idp.Actor, r connector.SyncRun) connector.SyncRun {
	r.Troubles = unnamed(by, r.Troubles)
	r.Failure, r.Why = unnamedFailure(by, r.Failure, r.Why)
	return r
}

// unnamedDiagnosis leaves of each finding what was looked at, and how bad it is.
func unnamedDiagnosis(by idp.Actor, d connector.Diagnosis) connector.Diagnosis {
	if seesPeople(by) {
		return d
	}
	d.Findings = each(d.Findings, func(f connector.Finding) connector.Finding {
		f.Evidence, f.Cure, f.Facts, f.Detail, f.Failed, f.Why = "", "", nil, "", "", nil
		return f
	})
	return d
}

func unnamedImport(by idp.Actor, r connector.ImportReport) connector.ImportReport {
	if seesPeople(by) {
		return r
	}
	r.Classes = each(r.Classes, func(c connector.ClassReport) connector.ClassReport {
		c.Examples = []connector.ImportFinding{}
		return c
	})
	return r
}

// Locked is what replacing the local passwords of an Odoo did.
type Locked struct {
	Users    []string     `json:"users" doc:"Logins whose password is replaced now, or in a dry run would be. This list and the next two are empty without people:read."`
	Already  int          `json:"already" doc:"Replaced before."`
	Exempt   []string     `json:"exempt" doc:"Logins that keep their password."`
	Unlinked []string     `json:"unlinked" doc:"Logins that keep theirs, for they could not come in otherwise."`
	Settings []string     `json:"settings" doc:"Of Odoo that were changed."`
	Counts   LockedCounts `json:"counts"`
}

// LockedCounts says how many there are in each list of [Locked].
type LockedCounts struct {
	Users    int `json:"users"`
	Exempt   int `json:"exempt"`
	Unlinked int `json:"unlinked"`
}

func viewLocked(by idp.Actor, l connector.Locked) Locked {
	v := Locked{Users: []string{}, Already: l.Already, Exempt: []string{}, Unlinked: []string{}, Settings: append([]string{}, l.Settings...), Counts: LockedCounts{len(l.Users), len(l.Exempt), len(l.Unlinked)}}
	if seesPeople(by) {
		v.Users, v.Exempt, v.Unlinked = append(v.Users, l.Users...), append(v.Exempt, l.Exempt...), append(v.Unlinked, l.Unlinked...)
	}
	return v
}

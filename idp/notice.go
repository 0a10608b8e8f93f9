package idp

import (
	"time"

	"latchkey/mfa"
)

// NoticeKind names what a person is told about their own account
// (SECURITY.md B-12, M-10, M-18; ASVS 6.3.5, 6.3.7).
type NoticeKind string

const (
	FactorAdded     NoticeKind = "factor_added"
	FactorsReset    NoticeKind = "factors_reset"
	PasswordChanged NoticeKind = "password_changed"
	NewBrowser      NoticeKind = "new_browser"
	BackupUsed      NoticeKind = "backup_used"
	WrongFactor     NoticeKind = "wrong_factor" // after a right password
	Locked          NoticeKind = "locked"
	FactorRemoved   NoticeKind = "factor_removed"
	CodesRenewed    NoticeKind = "codes_renewed" // a new set of backup codes
	TwoStepOff      NoticeKind = "two_step_off"
	DevicesForgot   NoticeKind = "devices_forgotten"
	SessionsEnded   NoticeKind = "sessions_ended"
	KeyCloned       NoticeKind = "key_cloned"     // a passkey seems to have a twin (SECURITY.md W-08)
	TemporaryCode   NoticeKind = "temporary_code" // the help desk gave somebody one
	// These two are for the address as it was before (SECURITY.md E-10, T-14).
	EmailChanged NoticeKind = "email_changed"
	PhoneChanged NoticeKind = "phone_changed"
	EmailAsked   NoticeKind = "email_asked" // another address is to take this one's place (E-10)

	PasswordChosen NoticeKind = "password_chosen" // the first one, by an invitation
	DataExported   NoticeKind = "data_exported"
	ClosingAsked   NoticeKind = "closing_asked"
)

// NoticeKinds lists them all.
var NoticeKinds = []NoticeKind{
	FactorAdded, FactorsReset, PasswordChanged, NewBrowser, BackupUsed, WrongFactor, Locked, KeyCloned, FactorRemoved, TemporaryCode,
	EmailChanged, PhoneChanged, CodesRenewed, TwoStepOff, DevicesForgot, SessionsEnded,
	EmailAsked, PasswordChosen, DataExported, ClosingAsked,
}

// Notice is something that happened to an account and that its owner should
// hear of. It never holds a secret.
type Notice struct {
	Kind   NoticeKind
	At     time.Time
	Origin Origin   // zero when it is not for the owner to know, such as an administrator's
	Method mfa.Kind // the factor that it is about, if it is about one
	Client string   // the application's name as people know it, if there was one
	Left   int      // of backup codes
	// Credential is the one that was added, so that it can be taken back.
	Credential mfa.CredentialID
}

// quiet is for how long a person hears no more of a kind once told. It is set
// for what others can bring about, so that nobody can fill a mailbox by
// failing to sign in (SECURITY.md B-11). Locks come and go every quarter of an
// hour while somebody tries: once a day says it.
var quiet = map[NoticeKind]time.Duration{
	WrongFactor: time.Hour,
	Locked:      24 * time.Hour,
	NewBrowser:  10 * time.Minute, // by the owner, but the outbox is everybody's
}

// Quiet is for how long the same person is not told the same again; 0 means
// that every single one is told.
func (k NoticeKind) Quiet() time.Duration { return quiet[k] }

// Letter is a mail with a link that its reader is to follow.
type Letter struct {
	Link   Link
	Token  string   // for the address; see [NewLink]
	Method mfa.Kind // LinkEnrol: what is to be set up
	Client string   // LinkInvite: what the application is called that they go on to
	Origin Origin   // of whoever asked for it; zero when it is not for the reader to know
	// To is an address that is not known to be the person's, where the link is
	// to prove just that; empty: the person's.
	To string
}

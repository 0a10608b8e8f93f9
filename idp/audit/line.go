package audit

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// Line is an event as exports and receivers get it (SECURITY.md D-08). Names are
// part of the program's interface.
type Line struct {
	ID      string            `json:"id"`
	At      time.Time         `json:"time"`
	What    string            `json:"event"`
	User    idp.UserID        `json:"user,omitempty"`
	Actor   idp.UserID        `json:"actor,omitempty"`
	Client  idp.ClientID      `json:"client,omitempty"`
	Session idp.SessionID     `json:"session,omitempty"`
	Method  string            `json:"method,omitempty"`
	IP      string            `json:"ip,omitempty"`
	Agent   string            `json:"user_agent,omitempty"`
	Request string            `json:"request,omitempty"`
	Result  string            `json:"result"`
	Detail  map[string]string `json:"detail,omitempty"`
	Seq     int64             `json:"seq,omitempty"`
	Hash    string            `json:"hash,omitempty"` // hexadecimal
	// Prev is the hash of the row before; only the first line of an export has it.
	Prev string `json:"prev,omitempty"`
}

// LineOf writes an event in the names of the interface.
func LineOf(e Entry) Line {
	return Line{
		ID: e.ID, At: e.At.UTC(), What: e.What, User: e.User, Actor: e.Actor, Client: e.Client, Session: e.Session,
		Method: string(e.Method), IP: e.Origin.Address, Agent: e.Origin.Agent, Request: e.Origin.Request, Result: e.Result, Detail: e.Detail,
		Seq: e.Seq, Hash: hex.EncodeToString(e.Hash),
	}
}

func (l Line) entry() (Entry, error) {
	hash, err := hex.DecodeString(l.Hash)
	return Entry{Seq: l.Seq, Hash: hash, Event: idp.Event{
		ID: l.ID, At: l.At, What: l.What, User: l.User, Actor: l.Actor, Client: l.Client, Session: l.Session, Method: mfa.Kind(l.Method),
		Origin: idp.Origin{Address: l.IP, Agent: l.Agent, Request: l.Request}, Result: l.Result, Detail: l.Detail,
	}}, err
}

// MarkLine is a checkpoint as exports and receivers get it.
type MarkLine struct {
	Seq       int64     `json:"seq"`
	Hash      string    `json:"hash"`
	At        time.Time `json:"time"`
	Count     int64     `json:"count"`
	Began     time.Time `json:"began"`
	Cut       bool      `json:"cut,omitempty"`
	Key       string    `json:"key"`
	Signature string    `json:"signature"` // base64
}

// MarkLineOf writes a checkpoint in the names of the interface.
func MarkLineOf(c Checkpoint) MarkLine {
	return MarkLine{
		Seq: c.Seq, Hash: hex.EncodeToString(c.Hash), At: c.At.UTC(), Count: c.Count, Began: c.Began.UTC(), Cut: c.Cut, Key: c.Key,
		Signature: base64.StdEncoding.EncodeToString(c.Signature),
	}
}

func (l MarkLine) checkpoint() (Checkpoint, error) {
	hash, err := hex.DecodeString(l.Hash)
	sign, also := base64.StdEncoding.DecodeString(l.Signature)
	return Checkpoint{
		Seq: l.Seq, Hash: hash, At: l.At, Count: l.Count, Began: l.Began, Cut: l.Cut, Key: l.Key, Signature: sign,
	}, errors.Join(err, also)
}

// either is a line of a file: an event or a checkpoint.
type either struct {
	Line
	Mark *MarkLine `json:"checkpoint,omitempty"`
}

func parse(text []byte) (Entry, string, *Checkpoint, error) {
	var l either
	if err := json.Unmarshal(text, &l); err != nil {
		return Entry{}, "", nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if l.Mark != nil {
		c, err := l.Mark.checkpoint()
		return Entry{}, "", &c, err
	}
	e, err := l.entry()
	if err == nil && (e.Seq <= 0 || e.ID == "") {
		err = fmt.Errorf("%w: an event without its place in the chain", ErrFile)
	}
	return e, l.Prev, nil, err
}

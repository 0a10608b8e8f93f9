package main

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/idp"
	"latchkey/idp/mail"
)

// counts are counters of what happens, fed by the events that are written
// anyway and by the senders: they cost no look into the database. Each instance
// counts what happened at it. No label has a word of a stranger's in it.
type counts struct {
	of [kindsOfCounts]*prometheus.CounterVec

	lockFor time.Duration
	mu      sync.Mutex
	met     map[string]time.Time // locks that are counted → until when it is the same lock
}

// What is counted.
const (
	countSignIns = iota
	countFirst
	countSecond
	countLocks
	countMessages
	countRegistrations
	kindsOfCounts
)

// Words of labels.
const (
	firstKinds  = "password passkey" // can begin a sign-in
	secondKinds = "totp passkey sms email backup temporary"
	usual       = "ok wrong locked"
	outcomes    = usual + " unknown disabled other-person cloned expired refused" // all that have a line of their own
	sendings    = "sent failed given_up"
)

// counted are the counters. Each has the lines that begin at 0: one that is not
// there before it first counts hides its first step from rate() and increase().
var counted = [kindsOfCounts]struct {
	name, help string
	labels     []string
	begin      []string // for each label the words that it begins with
}{
	countSignIns:       {"signins", "Sign-ins that led to a session, by the last proof.", []string{"method"}, []string{"password device " + secondKinds}},
	countFirst:         {"first_factor_tries", "Tries with a password, or with a passkey in place of one.", []string{"method", "result"}, []string{firstKinds, usual + " unknown"}},
	countSecond:        {"second_factor_tries", "Tries with a second factor at sign-in.", []string{"method", "result"}, []string{secondKinds, usual}},
	countLocks:         {"locks", "Locks that stopped somebody: of passwords, of second factors, of sending codes by SMS.", []string{"what"}, []string{"password factor sms"}},
	countMessages:      {"messages", "Tries to send mails and text messages: codes and links that somebody waits for, and news.", []string{"channel", "kind", "result"}, []string{"mail sms", "awaited", sendings}},
	countRegistrations: {"registrations", "Accounts that people asked for themselves, those that they made, and the hours in which there were too many.", []string{"step"}, []string{"asked made full"}},
}

func newCounts(lockFor time.Duration) *counts {
	c := &counts{lockFor: lockFor, met: map[string]time.Time{}}
	for i, of := range counted {
		c.of[i] = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "latchkey_" + of.name + "_total", Help: of.help}, of.labels)
		begin(c.of[i], nil, of.begin)
	}
	return c
}

// begin makes a line of each choice of words.
func begin(v *prometheus.CounterVec, chosen, left []string) {
	if len(left) == 0 {
		v.WithLabelValues(chosen...)
		return
	}
	for word := range strings.FieldsSeq(left[0]) {
		begin(v, append(slices.Clone(chosen), word), left[1:])
	}
}

// Describe is prometheus.Collector's.
func (c *counts) Describe(to chan<- *prometheus.Desc) {
	for _, v := range c.of {
		v.Describe(to)
	}
}

// Collect is prometheus.Collector's.
func (c *counts) Collect(to chan<- prometheus.Metric) {
	for _, v := range c.of {
		v.Collect(to)
	}
}

func (c *counts) add(of int, labels ...string) { c.of[of].WithLabelValues(labels...).Inc() }

// event counts an event that is in the log.
func (c *counts) event(e idp.Event) {
	method := string(e.Method)
	if e.Method == idp.Password {
		method = "password"
	}
	method = among(firstKinds+" device "+secondKinds, method)
	switch e.What {
	case "signin":
		c.add(countSignIns, method)
	case "signin.password", "signin.passkey":
		c.add(countFirst, method, among(outcomes, e.Result))
	case "signin.factor":
		c.add(countSecond, method, among(outcomes, e.Result))
	case "register.ask":
		c.add(countRegistrations, "asked")
	case "register.full":
		c.add(countRegistrations, "full")
	case "user.register":
		c.add(countRegistrations, "made")
	case "sms.stop":
		c.add(countLocks, "sms")
	}
	if e.Result != "locked" || e.User == "" {
		return
	}
	what := "factor"
	if e.Method == idp.Password {
		what = "password"
	}
	if c.begins(what+" "+string(e.User), e.At) {
		c.add(countLocks, what)
	}
}

// mostLocks bounds what is remembered of locks: beyond it some are counted
// twice, which an alarm survives.
const mostLocks = 10000

// begins reports whether a refusal is the first by its lock. All that follow
// within the time of a lock are of the same.
func (c *counts) begins(lock string, at time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Before(c.met[lock]) {
		return false
	}
	if len(c.met) >= mostLocks {
		clear(c.met)
	}
	c.met[lock] = at.Add(c.lockFor)
	return true
}

// message counts what came of a try to send one.
func (c *counts) message(m mail.Message, came mail.State) {
	kind, result := "news", "failed"
	if !m.Expires.IsZero() {
		kind = "awaited"
	}
	switch came {
	case mail.Sent:
		result = "sent"
	case mail.GivenUp:
		result = "given_up"
	}
	c.add(countMessages, string(m.Channel), kind, result)
}

// among keeps a label to the words that are known here, whatever events may say
// one day.
func among(words, word string) string {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return w
		}
	}
	return "other"
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/brand"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/replay"
	"latchkey/idp/rulebook"
	"latchkey/idp/security"
	"latchkey/idp/texts"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/mfa/sms"
	"latchkey/ui/api/gate"
)

// kinds of problems are URNs: there is nothing to fetch behind them.
const kindPrefix = "urn:latchkey:problem:"

// errStale means that somebody else changed a thing since it was read.
var errStale = errors.New("api: If-Match names another version")

// problems says what errors mean to a program; the first that fits counts. An
// empty sentence is that of the error.
var problems = []struct {
	err    error
	status int
	code   string
	says   string
}{
	{errType, http.StatusUnsupportedMediaType, "type", "Only application/json is taken."},
	{errStale, http.StatusPreconditionFailed, "stale", "It was changed since you read it. Read it again."},
	{replay.ErrUnderWay, http.StatusConflict, "under-way", "The first request with this Idempotency-Key has no answer yet."},
	{replay.ErrOther, http.StatusUnprocessableEntity, "key-used", "This Idempotency-Key was used for another request."},
	{apitoken.ErrFromToken, http.StatusForbidden, "denied", "A token makes no other credentials for the API. Sign in to the administration for it."},
	{account.ErrNeedsSecond, http.StatusConflict, "second-approver", "A second administrator must allow it: see request-temporary-code."},
	{account.ErrService, http.StatusForbidden, "denied", "It takes two people, and a service is none."},
	{account.ErrOwnRequest, http.StatusForbidden, "denied", "Somebody else must allow it."},
	{account.ErrNotYet, http.StatusConflict, "second-approver", "Nobody has allowed it yet, or who did no longer may."},
	{idp.ErrLastOwner, http.StatusConflict, "last-owner", "Nobody would be left who owns the house."},
	{security.ErrPolicy, http.StatusConflict, "policy", "A policy asks for what this would take away."},
	{security.ErrLast, http.StatusConflict, "last-factor", "It is the last factor. Reset the factors instead."},
	{rpc.ErrUnreachable, http.StatusBadGateway, "unreachable", "The Odoo does not answer."},
	{rpc.ErrNotOdoo, http.StatusBadGateway, "not-odoo", "What answers at that address is not Odoo."},
	{rpc.ErrNoDatabase, http.StatusBadGateway, "no-database", "The Odoo has no such database."},
	{rpc.ErrWrongKey, http.StatusBadGateway, "wrong-key", "The Odoo refuses the login and its key. Make a new one there, and connect again."},
	{rpc.ErrOld, http.StatusBadGateway, "old", "This version of Odoo is not supported: 16 to 19 are."},
	{rpc.ErrDenied, http.StatusBadGateway, "rights", "The Odoo does not allow this to the login that is used there. It needs the right \"Administration: Settings\"."},
	{rpc.ErrFault, http.StatusBadGateway, "odoo-fault", "The Odoo reports an error."},
	{rpc.ErrNotFound, http.StatusBadGateway, "odoo-fault", "The Odoo does not have what was asked for."},
	{connector.ErrDatabase, http.StatusBadGateway, "database", "The database of the Odoo cannot be read."},
	{connector.ErrAccident, http.StatusConflict, "accident", "It would change so many people that it is taken for an accident. If it is meant, send force."},
	{errHanded, http.StatusBadGateway, "unreachable", "It was not taken."},
	{rulebook.ErrLockout, http.StatusConflict, "lockout", "It would lock out those who could take it back."},
	{idp.ErrDenied, http.StatusForbidden, "denied", "This is not allowed to you."},
	{idp.ErrMore, http.StatusForbidden, "denied", "This takes a person who signs in."},
	{idp.ErrNotFound, http.StatusNotFound, "not-found", "There is no such thing."},
	{mfa.ErrNotHeld, http.StatusNotFound, "not-found", "There is no such thing."},
	{idp.ErrTaken, http.StatusConflict, "taken", "The name belongs to something else, or looks like one that does."},
	{idp.ErrSpent, http.StatusConflict, "changed", "It was changed at the same moment, or has ended already."},
	{mfa.ErrConflict, http.StatusConflict, "changed", "It was changed at the same moment, or has ended already."},
	{mfa.ErrLocked, http.StatusTooManyRequests, "locked", "Too often. Try again later."},
	{idp.ErrInvalid, http.StatusUnprocessableEntity, "invalid", ""},
	{policy.ErrInvalid, http.StatusUnprocessableEntity, "invalid", ""},
	{security.ErrUnusable, http.StatusUnprocessableEntity, "invalid", ""},
	{mfa.ErrNoFactor, http.StatusUnprocessableEntity, "invalid", ""},
	{idp.ErrBusy, http.StatusServiceUnavailable, "busy", "Too busy. Try again."},
}

func model(status int, code, detail string) *huma.ErrorModel {
	return &huma.ErrorModel{Type: kindPrefix + code, Title: http.StatusText(status), Status: status, Detail: detail}
}

// judged turns an error into a problem and the headers that go with it. What is
// not known is told as nothing but that.
func (a *API) judged(by idp.Actor, err error) (m *huma.ErrorModel, head http.Header, known bool) {
	head = http.Header{}
	if refusal := (*gate.Refusal)(nil); errors.As(err, &refusal) {
		return model(refusal.Status, refusal.Code, refusal.Detail), head, true
	}
	for _, p := range problems {
		if !errors.Is(err, p.err) {
			continue
		}
		m := model(p.status, p.code, p.says)
		if says := own(err); says != "" {
			m.Detail = says
			return m, head, true
		}
		switch denied, locked := (*idp.DeniedError)(nil), (*mfa.LockedError)(nil); {
		case errors.As(err, &denied):
			m.Detail = lacks(by, denied.Right)
			head.Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="Latchkey", error="insufficient_scope", scope="%s"`, denied.Right))
		case errors.As(err, &locked) && !locked.Until.IsZero():
			head.Set("Retry-After", strconv.Itoa(int(math.Ceil(max(1, locked.Until.Sub(a.Gate.Now()).Seconds())))))
		case p.err == idp.ErrBusy: //nolint:errorlint // the entry of the table
			head.Set("Retry-After", "1")
		case p.says == "":
			m.Detail = "Some values are not allowed."
			m.Errors = details(err)
		}
		return m, head, true
	}
	return model(http.StatusInternalServerError, "fault", "Something went wrong here. The log has it under this instance."), head, false
}

// own are errors that say best themselves what is to be done.
func own(err error) string {
	lockout, used, fed, hand := (*rulebook.LockoutError)(nil), (*rulebook.UsedError)(nil), (*rulebook.FedError)(nil), (*handError)(nil)
	switch {
	case errors.As(err, &lockout):
		return fmt.Sprintf("It would lock out those who could take it back. If that is meant, send %q as confirm.", lockout.Word)
	case errors.As(err, &used):
		return fmt.Sprintf("Policies or applications name the group. To remove it all the same, send %q as confirm.", used.Group.Name)
	case errors.As(err, &hand):
		return fmt.Sprintf("It was not taken: %v", hand.err)
	case errors.As(err, &fed):
		return fmt.Sprintf("The group is filled by %s. Change it there.", fed.Feed)
	}
	return ""
}

// lacks says why somebody may not: the token, the role, or who it is about.
func lacks(by idp.Actor, right idp.Right) string {
	whole := by
	whole.Scopes = nil
	switch {
	case whole.May(right) != nil:
		return fmt.Sprintf("The role %q has not got the right %s.", by.Role, right)
	case by.May(right) != nil:
		return fmt.Sprintf("The token lacks the scope %s.", right)
	}
	return fmt.Sprintf("The right %s does not reach so far: nobody touches who stands above them or gives more than they have, and a token does not touch its owner.", right)
}

// details takes an error apart: one for each thing that is wrong.
func details(err error) (out []*huma.ErrorDetail) {
	if file := (policy.Mistakes)(nil); errors.As(err, &file) {
		for _, m := range file {
			out = append(out, &huma.ErrorDetail{Message: m.Allowed, Location: "body.policy." + m.Key})
		}
		return out
	}
	if listed := listed(err); len(listed) > 0 {
		return listed
	}
	for _, leaf := range leaves(err) {
		if f := (*rulebook.FieldError)(nil); errors.As(leaf, &f) {
			out = append(out, &huma.ErrorDetail{Message: f.Want, Location: "body." + f.Field})
			continue
		}
		text := leaf.Error()
		for _, word := range []error{idp.ErrInvalid, policy.ErrInvalid} {
			text = strings.ReplaceAll(text, word.Error()+": ", "")
		}
		d := &huma.ErrorDetail{Message: text}
		if fields := account.FieldOf(leaf); len(fields) > 0 {
			d.Location = "body." + fields[0]
		} else if field, _, ok := strings.Cut(text, ": "); ok && !strings.ContainsAny(field, " \"") {
			d.Location = "body." + field
		}
		out = append(out, d)
	}
	return out
}

// listed are the mistakes of what has a list of its own.
func listed(err error) (out []*huma.ErrorDetail) {
	said, looks, gateways := (texts.Mistakes)(nil), (brand.Mistakes)(nil), (sms.Mistakes)(nil)
	switch {
	case errors.As(err, &said):
		for _, m := range said {
			out = append(out, &huma.ErrorDetail{Message: m.String(), Location: "body.texts." + m.Part})
		}
	case errors.As(err, &looks):
		for _, m := range looks {
			out = append(out, &huma.ErrorDetail{Message: m.String(), Location: "body." + m.Field})
		}
	case errors.As(err, &gateways):
		for _, m := range gateways {
			at := "body.values." + m.Setting
			if m.Setting == "name" || m.Setting == "prefixes" || m.Setting == "type" {
				at = "body." + m.Setting
			}
			out = append(out, &huma.ErrorDetail{Message: m.Allowed, Location: at})
		}
	}
	return out
}

// leaves are the errors that were joined.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // wrapped with a text of its own, it is one error
	if !ok || strings.Contains(fmt.Sprintf("%T", err), "wrapErrors") {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, leaves(e)...)
	}
	return out
}

// problem is the answer to an error of a use case.
func (a *API) problem(ctx context.Context, err error) error {
	m, head, known := a.judged(callerOf(ctx).Actor, err)
	if !known && ctx.Err() == nil {
		a.Fault(requestOf(ctx), fmt.Errorf("request %s: %w", callerOf(ctx).Origin.Request, err))
	}
	return huma.ErrorWithHeaders(m, head)
}

// complete gives problems what only we know, and takes away what was sent: it
// may be a secret. It also covers the problems that huma finds by itself.
func complete(hc huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	if m.Type == "" && m.Status == http.StatusRequestEntityTooLarge { // sent in chunks, without a length
		m = overlong(hc.Operation().MaxBodyBytes - 1)
	}
	finish(m, callerOf(hc.Context()).Origin.Request)
	return m, nil
}

func finish(m *huma.ErrorModel, request string) {
	if m.Type == "" {
		m.Type = kindPrefix + "request"
		m.Detail = strings.ToUpper(m.Detail[:min(1, len(m.Detail))]) + m.Detail[min(1, len(m.Detail)):] + "."
	}
	m.Instance = "urn:latchkey:request:" + request
	for _, e := range m.Errors {
		e.Value = nil
	}
	slices.SortStableFunc(m.Errors, func(x, y *huma.ErrorDetail) int { return strings.Compare(x.Location, y.Location) })
}

// refuse answers what came before the operation.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	m, head, known := a.judged(callerOf(r.Context()).Actor, err)
	for name, values := range head {
		w.Header()[name] = values
	}
	if !known && r.Context().Err() == nil {
		a.Fault(r, fmt.Errorf("request %s: %w", callerOf(r.Context()).Origin.Request, err))
	}
	a.write(w, r, m)
}

func (a *API) write(w http.ResponseWriter, r *http.Request, m *huma.ErrorModel) {
	finish(m, callerOf(r.Context()).Origin.Request)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(m.Status)
	_ = json.NewEncoder(w).Encode(m) // the reader may have gone away
}

type requestKey struct{}

// requestOf is the request, for the log of faults.
func requestOf(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}

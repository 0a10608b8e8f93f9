package oidc

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
)

// prompt is what the request says about signing in (OpenID Connect Core 1.0
// §3.1.2.1; P-19).
type prompt struct {
	none, login, consent, choose, create bool

	maxAge    time.Duration // meant only if aged
	aged      bool
	acr       string   // the least that will do; empty: no wish
	essential bool     // without it the request must fail
	named     []string // the contexts that the client knows by name
}

// context is the `acr` of an answer: of those that the client named the highest
// that was reached, for a client that demands "aal2" takes no other word for more
// (OpenID Connect Core 1.0 §5.5.1.1); otherwise what was reached.
func (p prompt) context(reached string) string {
	best := ""
	for _, n := range p.named {
		if rank(n) <= rank(reached) && rank(n) > rank(best) {
			best = n
		}
	}
	if best == "" {
		return reached
	}
	return best
}

// readPrompt takes prompt=create (Initiating User Registration via OpenID Connect
// 1.0 §4) only while people may make accounts: the document says so then.
func (q *request) readPrompt(creating bool) error {
	values := strings.Fields(q.get("prompt"))
	for _, v := range values {
		switch v {
		case "none":
			q.prompt.none = true
		case "login":
			q.prompt.login = true
		case "consent":
			q.prompt.consent = true
		case "select_account":
			q.prompt.choose = true
		case "create":
			if !creating {
				return refuse(invalidRequest, "This prompt is not supported.")
			}
			q.prompt.create = true
		default:
			return refuse(invalidRequest, "This prompt is not supported.")
		}
	}
	if q.prompt.none && len(values) > 1 {
		return refuse(invalidRequest, "prompt=none excludes every other value.")
	}
	wished := strings.Fields(q.get("acr_values"))
	if len(wished) == 0 {
		wished = q.client.ACRs
	}
	q.prompt.wish(wished)
	return q.readAge()
}

// readAge takes max_age, or the one that the client registered.
func (q *request) readAge() error {
	s := q.get("max_age")
	if s == "" && q.client.MaxAge != nil {
		s = strconv.FormatInt(*q.client.MaxAge, 10)
	}
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return refuse(invalidRequest, "max_age must be a number of seconds.")
	}
	const century = 100 * 365 * 24 * 60 * 60 // more would overflow
	q.prompt.aged, q.prompt.maxAge = true, time.Duration(min(n, century))*time.Second
	return nil
}

// wish takes acr_values, which are in order of preference and only a wish. A
// passkey is asked for by who takes nothing less: whoever has none goes on without
// what is wished for, and the next wish would be lost.
func (p *prompt) wish(values []string) {
	for _, v := range values {
		if !slices.Contains(idp.ACRs, v) {
			continue
		}
		p.named = append(p.named, v)
		if p.acr == "" || p.acr == idp.PhishingResistant {
			p.acr = v
		}
	}
}

// wishes is the `claims` parameter (OpenID Connect Core 1.0 §5.5), without
// what we do not know.
type wishes struct {
	userInfo, idToken []string
	subject           idp.UserID // the only person who will do
}

type wish struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

func (q *request) readClaims() error {
	raw := q.get("claims")
	if raw == "" {
		return nil
	}
	var asked struct {
		UserInfo map[string]*wish `json:"userinfo"`
		IDToken  map[string]*wish `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(raw), &asked); err != nil {
		return refuse(invalidRequest, "The parameter claims is not what OpenID Connect Core 1.0, section 5.5, describes.")
	}
	if !q.may(asked.UserInfo, &q.wishes.userInfo) || !q.may(asked.IDToken, &q.wishes.idToken) {
		return refuse(invalidRequest, "Of one person, sub can have only one value.")
	}
	return q.readACR(asked.IDToken["acr"])
}

// may keeps the claims that belong to a scope which the client may ask for:
// the parameter must not be a way around registration and consent (P-16).
func (q *request) may(asked map[string]*wish, kept *[]string) bool {
	for name, w := range asked {
		if name == "sub" && w != nil && w.Value != nil {
			sub, _ := w.Value.(string)
			if sub == "" || q.wishes.subject != "" && q.wishes.subject != idp.UserID(sub) {
				return false
			}
			q.wishes.subject = idp.UserID(sub)
		}
		if scope, ok := scopeOf[name]; ok && slices.Contains(q.client.Scopes, scope) {
			*kept = append(*kept, name)
		}
	}
	slices.Sort(*kept)
	return true
}

// readACR takes a demand for an authentication context (§5.5.1.1). It goes
// before acr_values.
func (q *request) readACR(w *wish) error {
	if w == nil {
		return nil
	}
	var named []string
	for _, v := range append(w.Values, w.Value) {
		if s, ok := v.(string); ok && slices.Contains(idp.ACRs, s) {
			named = append(named, s)
		}
	}
	if len(named) > 0 {
		least := slices.MinFunc(named, func(a, b string) int { return rank(a) - rank(b) })
		q.prompt.acr, q.prompt.essential, q.prompt.named = least, w.Essential, named
		return nil
	}
	if w.Essential && (w.Value != nil || len(w.Values) > 0) {
		return refuse(accessDenied, "None of the required authentication contexts can be reached here.")
	}
	return nil
}

func rank(acr string) int { return slices.Index(idp.ACRs, acr) }

// nobody is no person's id.
const nobody idp.UserID = "-"

// hint takes the person whom id_token_hint names. Our own signature is enough, for
// the hint narrows who may be meant and allows nothing; but the answer tells whether
// it is who sits there. So a client names people by the names that it knows, and
// shows tokens only of clients that know them by the same: what it learnt otherwise
// would put two names together that §8.1 keeps apart.
func (d reader) hint(q *request) error {
	if who, err := d.p.subjects.Person(q.client, string(q.wishes.subject)); err == nil {
		q.wishes.subject = who // the client knows them by another name
	} else if errors.Is(err, idp.ErrInvalid) {
		q.wishes.subject = nobody
	} else {
		return err
	}
	raw := q.get("id_token_hint")
	if raw == "" {
		return nil
	}
	h, err := d.p.hints.read(d.ctx, raw)
	if err != nil {
		return err
	}
	if h.naming != naming(q.client) {
		return refuse(invalidRequest, "id_token_hint was issued to a client that knows people by other names.")
	}
	if q.wishes.subject != "" && q.wishes.subject != h.Subject {
		return refuse(invalidRequest, "id_token_hint and claims name different people.")
	}
	q.wishes.subject = h.Subject
	return nil
}

// need is what the gate must find.
func (q *request) need() idp.Need {
	n := idp.Need{Client: q.client.ID, ACR: q.prompt.acr, Essential: q.prompt.essential, Subject: q.wishes.subject}
	switch {
	case q.prompt.login:
		n.Since = q.arrived
	case q.prompt.aged: // max_age=0 is prompt=login
		n.Since = q.arrived.Add(-q.prompt.maxAge)
	}
	return n
}

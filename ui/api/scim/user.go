package scim

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/provision"
)

// users answers what is about people.
type users struct{ *Server }

// userOf is a person as a resource. Whom they belong with is said by the groups.
func (s users) userOf(p provision.Person) object {
	u := p.User
	name := object{"formatted": u.Name}
	fill(name, object{"givenName": u.Profile.GivenName, "familyName": u.Profile.FamilyName, "middleName": u.Profile.MiddleName})
	o := object{
		"schemas": []any{schemaUser}, "id": string(u.ID), "userName": u.Login, "displayName": u.Name, "name": name, "active": !u.Disabled, "userType": string(u.Kind),
	}
	fill(o, object{
		"externalId": p.External, "nickName": u.Profile.Nickname, "profileUrl": u.Profile.Page, "timezone": u.Profile.Zoneinfo, "preferredLanguage": u.Locale, "locale": u.Locale,
	})
	if u.Email != "" {
		o["emails"] = []any{object{"value": u.Email, "type": "work", "primary": true}}
	}
	if u.Phone != "" {
		o["phoneNumbers"] = []any{object{"value": u.Phone, "type": "mobile", "primary": true}}
	}
	return s.stamped(o, "User", "Users", string(u.ID), u.Created, u.Updated)
}

// fill sets what is not empty.
func fill(to, from object) {
	for k, v := range from {
		if v != "" {
			to[k] = v
		}
	}
}

func (s *Server) stamped(o object, kind, path, id string, made, changed time.Time) object {
	meta := object{"resourceType": kind, "location": s.address(path, id), "version": versionOf(o)}
	if !made.IsZero() {
		meta["created"], meta["lastModified"] = made.UTC().Format(time.RFC3339), changed.UTC().Format(time.RFC3339)
	}
	o["meta"] = meta
	return o
}

// wanted is a person as a resource wants them.
type wanted struct {
	login, email, name, phone, locale, external string
	kind                                        idp.Kind
	active                                      bool
	kindSaid                                    bool // a userType was sent
	profile                                     idp.Profile
}

// want reads a resource. What we do not keep is passed over: every system sends
// more than others have (RFC 7644 §3.3).
func want(o object, was idp.User) (wanted, error) {
	w := wanted{
		login: text(o, "userName"), external: text(o, "externalId"), email: strings.ToLower(primary(list(o, "emails"))), phone: primary(list(o, "phoneNumbers")),
		kind: idp.Internal, active: true, profile: was.Profile,
	}
	if w.login == "" {
		return w, errors.Join(errValue, errors.New("userName is needed"))
	}
	if v := get(o, "active"); v != nil {
		is, ok := truth(v)
		if !ok {
			return w, errors.Join(errValue, errors.New("active is true or false"))
		}
		w.active = is
	}
	w.kindSaid = text(o, "userType") != ""
	if strings.EqualFold(text(o, "userType"), string(idp.Portal)) {
		w.kind = idp.Portal
	}
	n := inner(o, "name")
	w.profile.GivenName, w.profile.FamilyName, w.profile.MiddleName = text(n, "givenName"), text(n, "familyName"), text(n, "middleName")
	w.profile.Nickname, w.profile.Page, w.profile.Zoneinfo = text(o, "nickName"), text(o, "profileUrl"), text(o, "timezone")
	w.name = firstOf(text(o, "displayName"), text(n, "formatted"), strings.TrimSpace(text(n, "givenName")+" "+text(n, "familyName")))
	w.locale = speech(firstOf(text(o, "preferredLanguage"), text(o, "locale")))
	if w.phone != was.Phone {
		// Directories hold numbers as people typed them. One that cannot be read must
		// not keep a person out.
		read, err := idp.ReadPhone(w.phone, idp.User{Locale: w.locale, Profile: w.profile})
		if w.phone = read; err != nil {
			w.phone = ""
		}
	}
	return w, nil
}

func firstOf(texts ...string) string {
	i := slices.IndexFunc(texts, func(s string) bool { return s != "" })
	if i < 0 {
		return ""
	}
	return texts[i]
}

// primary is the value that counts where we keep one: the primary, that for
// work or the mobile, or the first.
func primary(all []any) string {
	best, rank := "", -1
	for _, one := range all {
		o, _ := one.(object)
		n := 0
		if is, _ := truth(get(o, "primary")); is {
			n = 2
		} else if t := strings.ToLower(text(o, "type")); t == "work" || t == "mobile" {
			n = 1
		}
		if v := text(o, "value"); v != "" && n > rank {
			best, rank = v, n
		}
	}
	return best
}

// speech turns en_US, or a header such as "en-US, fr;q=0.5", into a tag; what
// is none is nothing.
func speech(said string) string {
	first, _, _ := strings.Cut(said, ",")
	first, _, _ = strings.Cut(first, ";")
	t, err := language.Parse(strings.ReplaceAll(strings.TrimSpace(first), "_", "-"))
	if err != nil {
		return ""
	}
	return t.String()
}

// apply makes a person what a resource wants. Addresses that a feeding system
// gives are the house's own directory's word, and count as proven; numbers do
// not, for a number is a second factor.
func (s users) apply(ctx context.Context, by idp.Actor, was provision.Person, w wanted) error {
	return s.together(ctx, by, was.User, func(ctx context.Context) error { return s.steps(ctx, by, was, w) })
}

// together does several things to a person, all or none. Whom the actor may not
// touch is refused by the first of them, whose line in the log must stay
// (SECURITY.md D-07).
func (s users) together(ctx context.Context, by idp.Actor, u idp.User, do func(context.Context) error) error {
	if by.MayTouch(idp.EditPeople, u) != nil {
		return do(ctx)
	}
	return s.Atomic(ctx, do)
}

func (s users) steps(ctx context.Context, by idp.Actor, was provision.Person, w wanted) error {
	u := was.User
	if change, differs := w.change(u); differs {
		if _, err := s.People.Update(ctx, by, u.ID, change); err != nil {
			return err
		}
	}
	if was.External != w.external {
		if err := s.Store.Note(ctx, u.ID, w.external, false); err != nil {
			return err
		}
	}
	switch {
	case u.Disabled && w.active:
		return s.People.Enable(ctx, by, u.ID)
	case !u.Disabled && !w.active:
		return s.People.Disable(ctx, by, u.ID)
	case !w.active && by.MayTouch(idp.EditPeople, u) == nil:
		return s.Store.KeepOut(ctx, u.ID)
	}
	return nil
}

// change is what must be changed about a person, if anything.
func (w wanted) change(u idp.User) (change account.Change, differs bool) {
	for _, f := range []struct {
		is, shall string
		to        **string
	}{{u.Login, w.login, &change.Login}, {u.Email, w.email, &change.Email}, {u.Name, w.name, &change.Name}, {u.Phone, w.phone, &change.Phone}, {u.Locale, w.locale, &change.Locale}} {
		if f.is != f.shall {
			*f.to, differs = &f.shall, true
		}
	}
	if u.Email != w.email && w.email != "" {
		proven := true
		change.ProvenEmail = &proven
	}
	if u.Kind != w.kind {
		change.Kind, differs = &w.kind, true
	}
	if u.Profile != w.profile {
		change.Profile, differs = &w.profile, true
	}
	return change, differs
}

func (s users) listUsers(c *call) (*answer, error) {
	f, err := filterOf(c.URL.Query().Get("filter"), userFields)
	if err != nil {
		return nil, err
	}
	from, count := c.window()
	all, total, err := s.Store.People(c.Context(), f, from, count)
	if err != nil {
		return nil, err
	}
	var out []object
	for _, p := range all {
		out = append(out, c.shown(s.userOf(p)))
	}
	return listed(out, from, total), nil
}

// user answers with a person as they are now.
func (s users) user(c *call, id idp.UserID, status int) (*answer, error) {
	p, err := s.Store.Person(c.Context(), id)
	if err != nil {
		return nil, err
	}
	o := s.userOf(p)
	a := &answer{status: status, body: c.shown(o), version: o["meta"].(object)["version"].(string)}
	if status == http.StatusCreated {
		a.location = s.address("Users", string(id))
	}
	return a, nil
}

func (s users) getUser(c *call) (*answer, error) {
	return s.user(c, idp.UserID(c.PathValue("id")), http.StatusOK)
}

func (s users) createUser(c *call) (*answer, error) {
	o, err := c.read()
	if err != nil {
		return nil, err
	}
	w, err := want(o, idp.User{})
	if err != nil {
		return nil, err
	}
	ctx := c.Context()
	if back, err := s.revive(ctx, c.by, w); err != nil || back != "" {
		if err != nil {
			return nil, err
		}
		return s.user(c, back, http.StatusCreated)
	}
	id, err := s.add(ctx, c.by, w)
	if err != nil {
		return nil, err
	}
	return s.user(c, id, http.StatusCreated)
}

// add makes a person, with all that is known of them, or nobody.
func (s users) add(ctx context.Context, by idp.Actor, w wanted) (id idp.UserID, err error) {
	err = s.Atomic(ctx, func(ctx context.Context) error {
		u, err := s.People.Add(ctx, by, account.New{
			Login: w.login, Email: w.email, Name: w.name, Kind: w.kind, Locale: w.locale, Phone: w.phone, ProvenEmail: w.email != "", Profile: w.profile,
		})
		if id = u.ID; err == nil && w.external != "" {
			err = s.Store.Note(ctx, id, w.external, false)
		}
		if err != nil || w.active {
			return err
		}
		// People.Disable would look for somebody who is not there yet.
		return errors.Join(s.People.Users.SetDisabled(ctx, id, true), s.People.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: s.People.Now(), What: "user.disable", User: id, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok",
		}))
	})
	return id, err
}

// revive takes somebody back whom the feeding system had deleted: the name of
// who was deleted is free for it (RFC 7644 §3.6), and to us it is the same
// person.
func (s users) revive(ctx context.Context, by idp.Actor, w wanted) (idp.UserID, error) {
	u, err := s.People.Users.ByIdentifier(ctx, idp.Canonical(w.login))
	if errors.Is(err, idp.ErrNotFound) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	gone, err := s.Store.Deleted(ctx, u.ID)
	if err != nil || !gone {
		return "", err
	}
	if !w.kindSaid { // who was a customer comes back as one, not as an employee
		w.kind = u.Kind
	}
	return u.ID, s.together(ctx, by, u, func(ctx context.Context) error {
		if err := s.steps(ctx, by, provision.Person{User: u}, w); err != nil {
			return err
		}
		return s.Store.Note(ctx, u.ID, w.external, false)
	})
}

// changeUser is what PUT and PATCH share.
func (s users) changeUser(c *call, next func(object) (object, error)) (*answer, error) {
	id := idp.UserID(c.PathValue("id"))
	p, err := s.Store.Person(c.Context(), id)
	if err != nil {
		return nil, err
	}
	o := s.userOf(p)
	if err := c.match(o["meta"].(object)["version"].(string)); err != nil {
		return nil, err
	}
	was := object{"active": o["active"], "userType": o["userType"]}
	if o, err = next(o); err != nil {
		return nil, err
	}
	for name, v := range was { // who leaves these out means neither to let somebody in again nor to make them an employee
		if get(o, name) == nil {
			o[name] = v
		}
	}
	w, err := want(o, p.User)
	if err != nil {
		return nil, err
	}
	if err := s.apply(c.Context(), c.by, p, w); err != nil {
		return nil, err
	}
	return s.user(c, id, http.StatusOK)
}

func (s users) putUser(c *call) (*answer, error) {
	o, err := c.read()
	if err != nil {
		return nil, err
	}
	return s.changeUser(c, func(object) (object, error) { return o, nil })
}

func (s users) patchUser(c *call) (*answer, error) {
	ops, err := c.operations()
	if err != nil {
		return nil, err
	}
	return s.changeUser(c, patchKeeping("userName", ops))
}

func (s users) deleteUser(c *call) (*answer, error) {
	p, err := s.Store.Person(c.Context(), idp.UserID(c.PathValue("id")))
	if err != nil {
		return nil, err
	}
	if err := c.match(s.userOf(p)["meta"].(object)["version"].(string)); err != nil {
		return nil, err
	}
	if s.Remove {
		return &answer{status: http.StatusNoContent}, s.People.Remove(c.Context(), c.by, p.ID)
	}
	return &answer{status: http.StatusNoContent}, s.together(c.Context(), c.by, p.User, func(ctx context.Context) error {
		if err := s.People.Disable(ctx, c.by, p.ID); err != nil {
			return err
		}
		return s.Store.Note(ctx, p.ID, "", true)
	})
}

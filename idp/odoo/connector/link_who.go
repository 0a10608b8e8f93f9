package connector

import (
	"context"
	"errors"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/account"
)

// wishes finds out who the users are.
func (l *linkRun) wishes(ctx context.Context, all []Person) (out []wish, err error) {
	var ids []int64
	for _, p := range all {
		ids = append(ids, p.ID)
	}
	ties, err := l.ties.ByOdoo(ctx, l.c.ID, ids)
	if err != nil {
		return nil, err
	}
	roles, err := staff(ctx, l.directory, ties)
	if err != nil {
		return nil, err
	}
	var strangers []Person
	for _, p := range all {
		switch held, ok := ties[p.ID]; {
		case !ok:
			strangers = append(strangers, p)
		case held.Gone:
			err = l.tell(NotHere, p, say("link.removed"))
		case held.Disabled:
			err = l.tell(DisabledHere, p, Note{})
		case roles[held.User]:
			err = l.tell(HasRole, p, Note{})
		case held.Login != p.Login:
			// Renamed, which the next synchronisation notes; or another database.
			err = l.tell(Ambiguous, p, say("link.renamed", held.Login))
		default:
			out = append(out, wish{p: p, user: held.User, tie: held.Tie})
		}
		if err != nil {
			return nil, err
		}
	}
	more, err := l.recognise(ctx, strangers)
	return append(out, more...), err
}

// staff are those among tied people who have a role here.
func staff(ctx context.Context, in account.Directory, ties map[int64]Held) (map[idp.UserID]bool, error) {
	var ids []idp.UserID
	for _, h := range ties {
		if !h.Gone {
			ids = append(ids, h.User)
		}
	}
	const most = 500 // that a database is asked for at once
	out := map[idp.UserID]bool{}
	for some := range slices.Chunk(ids, most) {
		us, err := in.People(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, u := range us {
			out[u.ID] = u.Role != ""
		}
	}
	return out, nil
}

// recognise finds people here by what Odoo says of its users.
func (l *linkRun) recognise(ctx context.Context, all []Person) (out []wish, err error) {
	var names []idp.Identifier
	for _, p := range all {
		for _, n := range []string{p.Login, address(p.Email)} {
			if id, err := idp.Identify(n); err == nil {
				names = append(names, id)
			}
		}
	}
	if len(names) == 0 {
		return nil, l.unknown(all)
	}
	held, err := l.directory.Holding(ctx, names)
	if err != nil {
		return nil, err
	}
	var ids []idp.UserID
	for _, id := range held.Names {
		ids = append(ids, id)
	}
	us, err := l.directory.People(ctx, ids)
	if err != nil {
		return nil, err
	}
	people := map[idp.UserID]idp.User{}
	for _, u := range us {
		people[u.ID] = u
	}
	for _, p := range all {
		u, trouble, note := l.person(p, held.Names, people)
		if trouble == "" {
			switch _, err := l.ties.ByUser(ctx, l.c.ID, u.ID); {
			case err == nil:
				trouble, note = Ambiguous, say("link.taken", u.Login)
			case !errors.Is(err, idp.ErrNotFound):
				return nil, err
			default:
				out = append(out, wish{p: p, user: u.ID, tie: tieOf(l.c, p, u.ID, l.book.now()), new: true})
				continue
			}
		}
		if err := l.tell(trouble, p, note); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (l *linkRun) unknown(all []Person) error {
	for _, p := range all {
		if err := l.tell(NotHere, p, Note{}); err != nil {
			return err
		}
	}
	return nil
}

// person finds who one user is. A name that two users of this Odoo have, or an
// e-mail that nobody has proven, says nothing.
func (l *linkRun) person(p Person, names map[string]idp.UserID, people map[idp.UserID]idp.User) (u idp.User, t LinkTrouble, n Note) {
	login, mail := idp.Canonical(p.Login), idp.Canonical(address(p.Email))
	byLogin, byMail := proven(people[names[login]], p.Login), idp.User{}
	if mail != "" {
		byMail = proven(people[names[mail]], address(p.Email))
	}
	if byMail.Email != address(p.Email) {
		byMail = idp.User{} // their login only looks like an address
	}
	u = byLogin
	if u.ID == "" {
		u = byMail
	}
	switch {
	case u.ID == "":
		return u, NotHere, n
	case byMail.ID != "" && byMail.ID != u.ID:
		return u, Ambiguous, say("link.apart", byLogin.Login, byMail.Login)
	case l.shared(l.census.logins, login, byLogin), l.shared(l.census.mails, mail, byMail):
		return u, Ambiguous, say("link.several")
	case u.Disabled:
		return u, DisabledHere, n
	case u.Role != "":
		return u, HasRole, n
	case p.Internal && ownCustomer(u):
		return u, Ambiguous, say("link.internal")
	}
	return u, "", n
}

// proven is the person, unless the name is an e-mail that is not known to be
// theirs. Names are found by their folded form, but ß and ss are two domains: they
// must be the same but for capitals (SECURITY.md E-09).
func proven(u idp.User, name string) idp.User {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == u.Email && u.EmailVerified || name != u.Email && name == strings.ToLower(u.Login) && idp.Canonical(name) != idp.Canonical(u.Email) {
		return u
	}
	return idp.User{}
}

// shared reports whether a name by which somebody was found belongs to several
// users.
func (l *linkRun) shared(in map[uint64]tally, name string, found idp.User) bool {
	return found.ID != "" && l.census.of(in, name).users > 1
}

package scim

import "strings"

// fixed answers with what does not change; a list of resources as a list. One
// who filters it must not take all of it for what was found (RFC 7644 §4).
func fixed(what func() any) handler {
	return func(c *call) (*answer, error) {
		if c.URL.Query().Get("filter") != "" {
			return nil, errFixed
		}
		v := what()
		if all, ok := v.([]object); ok {
			return listed(all, 0, len(all)), nil
		}
		return &answer{body: v}, nil
	}
}

// pick answers with one of a list.
func pick(what func() any) handler {
	return func(c *call) (*answer, error) {
		all, _ := what().([]object)
		for _, o := range all {
			if o["id"] == c.PathValue("id") {
				return &answer{body: o}, nil
			}
		}
		return nil, errNowhere
	}
}

// config says what we can (RFC 7643 §5).
func (s *Server) config() any {
	no := object{"supported": false}
	return object{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   object{"supported": true}, "bulk": object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": object{"supported": true, "maxResults": maxPage}, "changePassword": no, "sort": no, "etag": object{"supported": true},
		"authenticationSchemes": []object{{
			"type": "oauthbearertoken", "name": "Bearer token", "primary": true,
			"description": "A token of an administrator, or of a service by client credentials, with the scope people:write.",
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": s.Issuer + Prefix + "/ServiceProviderConfig"},
	}
}

func (s *Server) types() any {
	kind := func(name, path, schema, about string) object {
		return object{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": name, "name": name, "endpoint": "/" + path, "schema": schema,
			"description": about, "schemaExtensions": []object{},
			"meta": object{"resourceType": "ResourceType", "location": s.Issuer + Prefix + "/ResourceTypes/" + name},
		}
	}
	return []object{kind("User", "Users", schemaUser, "A person"), kind("Group", "Groups", schemaGroup, "A group of people")}
}

// attribute describes one (RFC 7643 §7). Words after the name say what differs
// from a text that may be read and written.
func attribute(name, about, words string, inside ...object) object {
	is := func(w string) bool { return strings.Contains(" "+words+" ", " "+w+" ") }
	a := object{
		"name": name, "description": about, "type": "string", "multiValued": is("many"), "required": is("needed"), "caseExact": is("exact"),
		"mutability": "readWrite", "returned": "default", "uniqueness": "none",
	}
	for _, t := range []string{"boolean", "complex", "reference", "dateTime"} {
		if is(t) {
			a["type"] = t
		}
	}
	if is("unique") {
		a["uniqueness"] = "server"
	}
	if is("readOnly") {
		a["mutability"] = "readOnly"
	}
	if is("immutable") {
		a["mutability"] = "immutable"
	}
	if is("reference") {
		a["referenceTypes"] = []string{"external"}
		if is("people") {
			a["referenceTypes"] = []string{"User"}
		}
	}
	if len(inside) > 0 {
		a["subAttributes"] = inside
	}
	return a
}

func canonical(a object, values ...string) object {
	a["canonicalValues"] = values
	return a
}

// schemas describe what is kept of people and groups; no more is promised.
func (s *Server) schemas() any {
	schema := func(id, name, about string, attributes ...object) object {
		return object{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": id, "name": name, "description": about, "attributes": attributes,
			"meta": object{"resourceType": "Schema", "location": s.Issuer + Prefix + "/Schemas/" + id},
		}
	}
	contact := func(about, kind string) []object {
		return []object{
			attribute("value", about, ""), canonical(attribute("type", "", ""), kind),
			attribute("primary", "One is kept, and it is the primary one.", "boolean"),
		}
	}
	return []object{
		schema(schemaUser, "User", "A person",
			attribute("userName", "What they sign in with.", "needed unique"),
			attribute("displayName", "The name.", ""),
			attribute("name", "The parts of the name.", "complex",
				attribute("formatted", "The name.", ""), attribute("givenName", "", ""), attribute("familyName", "", ""), attribute("middleName", "", "")),
			attribute("nickName", "", ""), attribute("profileUrl", "", "reference"),
			canonical(attribute("userType", "internal (an employee) or portal (a customer).", ""), "internal", "portal"),
			attribute("preferredLanguage", "BCP 47.", ""), attribute("locale", "The same.", ""), attribute("timezone", "IANA.", ""),
			attribute("active", "Whether they may sign in.", "boolean"),
			attribute("emails", "One is kept.", "many complex", contact("An address.", "work")...),
			attribute("phoneNumbers", "One is kept, as E.164.", "many complex", contact("A number with its country code.", "mobile")...)),
		schema(schemaGroup, "Group", "A group of people",
			attribute("displayName", "The name.", "needed unique"),
			attribute("members", "People; groups have no groups.", "many complex",
				attribute("value", "The person's id.", "immutable exact"), attribute("$ref", "The person's address.", "immutable reference people exact"),
				canonical(attribute("type", "", "immutable"), "User"))),
	}
}

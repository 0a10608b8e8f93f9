package odootest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// jsonWire is JSON-2, and the page that tells the version.
type jsonWire struct {
	*Options
	objects *objects
}

func (j jsonWire) serve(w http.ResponseWriter, r *http.Request) {
	j.objects.db.mu.Lock()
	defer j.objects.db.mu.Unlock()
	fail := func(status int, class, says string) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"name": class, "message": says, "arguments": []any{says}, "context": map[string]any{}, "debug": "Traceback"})
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || key != j.Key {
		fail(http.StatusUnauthorized, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
		return
	}
	args := map[string]any{}
	d := json.NewDecoder(r.Body)
	if err := d.Decode(&args); err != nil {
		fail(http.StatusBadRequest, "werkzeug.exceptions.BadRequest", "could not parse the body as json")
		return
	}
	model, method := r.PathValue("model"), r.PathValue("method")
	j.objects.heard("JSON-2", model, method)
	ids := numbers(args["ids"])
	delete(args, "ids")
	if j.objects.db.models[model] == nil {
		fail(http.StatusNotFound, "werkzeug.exceptions.NotFound", fmt.Sprintf("the model '%s' does not exist", model))
		return
	}
	if names[method].model && len(ids) > 0 {
		fail(http.StatusUnprocessableEntity, "werkzeug.exceptions.UnprocessableEntity", fmt.Sprintf("cannot call %s.%s with ids", model, method))
		return
	}
	for name := range args {
		if name != "context" && !known(method, name) {
			fail(http.StatusUnprocessableEntity, "werkzeug.exceptions.UnprocessableEntity", fmt.Sprintf("got an unexpected keyword argument '%s'", name))
			return
		}
	}
	answer, err := j.objects.run(Admin, model, method, ids, args)
	if err != nil {
		refused, _ := err.(refusal) //nolint:errorlint // made here, never wrapped
		status := map[string]int{"odoo.exceptions.AccessError": 403, "odoo.exceptions.MissingError": 404, "odoo.exceptions.ValidationError": 422, "builtins.AttributeError": 404}[refused.class]
		fail(max(status, 500*map[bool]int{true: 1}[status == 0]), refused.class, refused.says)
		return
	}
	if _, nothing := answer.(none); nothing {
		answer = nil
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // the other side may be gone
}

func (j jsonWire) version(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string]any{"version": j.Full, "version_info": []any{j.Series, 0, 0, "final", 0, ""}})
}

func known(method, name string) bool {
	for _, p := range names[method].params {
		if p == name {
			return true
		}
	}
	return false
}

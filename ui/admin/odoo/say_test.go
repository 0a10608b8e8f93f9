package odoo

import (
	"encoding/json"
	"testing"

	"latchkey/idp/odoo/connector"
	"latchkey/ui/locale"
	"latchkey/ui/odoowords"
)

// What was kept by an older version stays in English; where nothing failed,
// nothing is said.
func TestKeptFormerly(t *testing.T) {
	words, _ := locale.Find("fr")
	const old = "the client x is gone"
	if l := failure(words, nil, old); l != (odoowords.Line{English: old}) {
		t.Errorf("%+v", l)
	}
	if l := failure(words, &connector.Reason{Kind: "unreachable"}, ""); !l.Empty() {
		t.Errorf("a failure where there is none: %+v", l)
	}
	var before connector.SyncTrouble
	if err := json.Unmarshal([]byte(`{"odoo_id":7,"login":"pia","message":"exists: pia"}`), &before); err != nil {
		t.Fatal(err)
	}
	if l := troubles(words, []connector.SyncTrouble{before}); len(l) != 1 || l[0] != (odoowords.Line{Who: "pia", English: "exists: pia"}) {
		t.Errorf("%+v", l)
	}
}

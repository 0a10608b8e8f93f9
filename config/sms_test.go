package config

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const gatewaysYAML = `
sms:
  gateways:
    - name: ovh
      type: ovh
      prefixes: [+33, "+32"]
      service: sms-ab1-1
      from: 0612345678
      application_secret: hush
      consumer_key_file: SECRET
    - name: own
      type: http
      prefixes: +49
      url: https://hush@gw.example.org/hush?key=hush
      json: {n: 7, yes: true, deep: ["{text}"]}
  countries: [FR, +49]
`

func TestGateways(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "hush from a file\n")
	c, err := load(t, strings.ReplaceAll(gatewaysYAML, "SECRET", file))
	if err != nil {
		t.Fatal(err)
	}
	want := []Gateway{
		{Name: "ovh", Type: "ovh", Prefixes: []string{"+33", "+32"}, Values: map[string]any{"service": "sms-ab1-1", "from": "0612345678", "application_secret": "hush", "consumer_key": "hush from a file"}},
		{Name: "own", Type: "http", Prefixes: []string{"+49"}, Values: map[string]any{
			"url": "https://hush@gw.example.org/hush?key=hush", "json": map[string]any{"n": json.Number("7"), "yes": true, "deep": []any{"{text}"}},
		}},
	}
	if !reflect.DeepEqual(c.SMS.Gateways, want) {
		t.Errorf("got %#v", c.SMS.Gateways)
	}
	if !reflect.DeepEqual(c.SMS.Countries, []string{"FR", "+49"}) {
		t.Errorf("got %q", c.SMS.Countries)
	}
	for _, s := range c.Masked() { // D-06
		if s.Key == "sms.gateways" && (strings.Contains(s.Value, "hush from") || strings.Count(s.Value, "hush") != 1 || !strings.Contains(s.Value, "ovh: type=ovh prefixes=+33,+32 application_secret=xxxxx consumer_key=xxxxx from=0612345678 service=sms-ab1-1; own: ")) {
			t.Errorf("%s", s.Value)
		}
	}
}

// A container is configured by variables alone.
func TestGatewaysInEnvironment(t *testing.T) {
	for _, text := range []string{`[{"name": "a", "type": "twilio", "from": "+33612345678"}]`, `[{name: a, type: twilio, from: +33612345678}]`} {
		c, err := Load("", []string{"LATCHKEY_SMS_GATEWAYS=" + text})
		if err != nil || len(c.SMS.Gateways) != 1 || c.SMS.Gateways[0].Values["from"] != "+33612345678" {
			t.Errorf("%s: %+v, %v", text, c.SMS.Gateways, err)
		}
	}
}

// C-08: every mistake at once, and no secret in any.
func TestGatewayMistakes(t *testing.T) {
	judge := func(c Config) Mistakes {
		return Mistakes{{Key: "sms.gateways[0].token", Allowed: "the judge's"}}
	}
	file := filepath.Join(t.TempDir(), "x.yaml")
	write(t, file, `
issuer: https://id.example.org
sms:
  gateways:
    - {name: a, prefixes: {a: b}, key: hush, key_file: /nowhere}
    - hush
    - {name: b, key_file: /nowhere}
  countries: [france]
  daily: 0
mail: {admin: nobody}
`)
	ms := mistakes(t, second(Load(file, nil, judge)))
	for key, says := range map[string]string{
		"sms.gateways[0].prefixes": "line 4", "sms.gateways[0].token": "the judge", "sms.gateways[0].key": "not both", "sms.gateways[1]": "name, type", "sms.gateways[2].key_file": "no such file",
		"sms.countries": `"france" is none`, "sms.daily": "from 1 to", "mail.admin": "an e-mail address",
	} {
		if m, ok := ms[key]; !ok || !strings.Contains(m, says) || strings.Contains(m, "hush") {
			t.Errorf("%s: %q, want %q in it", key, m, says)
		}
	}
	for _, text := range []string{"hush", "{a: hush}", "[", "- hush: [\n"} {
		if err := second(Load("", []string{"LATCHKEY_SMS_GATEWAYS=" + text})); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

package sms_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"latchkey/idp/store/storetest"
	"latchkey/mfa/sms"
)

// sample are right settings of each type, and what a request and an answer of
// each look like by its documentation.
var samples = map[string]struct {
	values        map[string]any
	path          string
	fields        map[string]string // of the form or of the JSON
	yes, no, id   string
	yesStatus     int
	noStatus      int
	proof, secret string // a header, and what must not be in the body
}{
	"twilio": {
		values: map[string]any{"account": "AC" + strings.Repeat("a", 32), "token": "hush", "from": "+15005550006"},
		path:   "/2010-04-01/Accounts/AC" + strings.Repeat("a", 32) + "/Messages.json",
		fields: map[string]string{"To": "+33612345678", "From": "+15005550006", "Body": nasty},
		yes:    `{"sid": "SM1", "status": "queued", "error_code": null}`, yesStatus: 201, id: "SM1",
		no: `{"code": 21211, "message": "The 'To' number is not a valid phone number."}`, noStatus: 400,
		proof: "Authorization",
	},
	"vonage": {
		values: map[string]any{"key": "k", "secret": "hush", "from": "Shop"}, path: "/sms/json",
		fields: map[string]string{"api_key": "k", "api_secret": "hush", "from": "Shop", "to": "33612345678", "text": nasty, "type": "unicode", "client-ref": "m1"},
		yes:    `{"message-count": "1", "messages": [{"to": "33612345678", "message-id": "0A1", "status": "0"}]}`, yesStatus: 200, id: "0A1",
		no: `{"message-count": "1", "messages": [{"status": "4", "error-text": "Bad Credentials"}]}`, noStatus: 200,
	},
	"ovh": {
		values: map[string]any{"service": "sms-ab12345-1", "application_key": "ak", "application_secret": "hush", "consumer_key": "ck", "from": "Shop"},
		path:   "/1.0/sms/sms-ab12345-1/jobs",
		fields: map[string]string{"message": nasty, "sender": "Shop", "priority": "high"},
		yes:    `{"totalCreditsRemoved": 1, "invalidReceivers": [], "ids": [9007199254740993], "validReceivers": ["+33612345678"]}`, yesStatus: 200, id: "9007199254740993",
		no: `{"totalCreditsRemoved": 0, "invalidReceivers": ["+33612345678"], "ids": [], "validReceivers": []}`, noStatus: 200,
		proof: "X-Ovh-Signature", secret: "hush",
	},
	"sns": {
		values: map[string]any{"region": "eu-west-3", "access_key": "AKIDEXAMPLE", "secret_key": "hush", "from": "Shop"}, path: "/",
		fields: map[string]string{"Action": "Publish", "PhoneNumber": "+33612345678", "Message": nasty, "MessageAttributes.entry.2.Value.StringValue": "Shop"},
		yes:    `<PublishResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>567910cd</MessageId></PublishResult></PublishResponse>`, yesStatus: 200, id: "567910cd",
		no: `<ErrorResponse><Error><Code>InvalidParameter</Code><Message>Invalid parameter: PhoneNumber</Message></Error></ErrorResponse>`, noStatus: 400,
		proof: "Authorization", secret: "hush",
	},
	"http": {
		values: map[string]any{}, path: "/", fields: map[string]string{"to": "+33612345678", "text": nasty},
		yes: `{"id": 7}`, yesStatus: 202, id: "7", no: `sorry`, noStatus: 500,
	},
}

// Every gateway's request and answers are as its documentation says.
func TestEveryGateway(t *testing.T) {
	for _, kind := range sms.Types() {
		if kind == "log" {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			c, ok := samples[kind]
			if !ok {
				t.Fatal("there is no sample of this gateway")
			}
			s := listen(t, says(c.yesStatus, c.yes))
			at := "host"
			if kind == "http" {
				at = "url"
			}
			c.values[at] = s.URL + "/"
			if kind == "ovh" {
				c.values[at] = s.URL + "/1.0/"
			}
			r := router(t, storetest.NewClock(), sms.Settings{Name: "it", Type: kind, Values: c.values})
			got, err := r.Send(t.Context(), sms.Message{ID: "m1", To: "+33612345678", Text: nasty})
			if err != nil || got != (sms.Receipt{Gateway: "it", ID: c.id}) {
				t.Fatalf("%+v, %v", got, err)
			}
			req := s.requests()[0]
			if req.URL.Path != c.path || req.Method != "POST" || c.proof != "" && req.Header.Get(c.proof) == "" {
				t.Errorf("%s %s %v", req.Method, req.URL, req.Header)
			}
			if c.secret != "" && strings.Contains(req.body, c.secret) {
				t.Errorf("the secret is in the body: %s", req.body)
			}
			fields := parse(t, req)
			for name, want := range c.fields {
				if fields[name] != want {
					t.Errorf("%s is %q, want %q", name, fields[name], want)
				}
			}
			s.behave(says(c.noStatus, c.no))
			if _, err := r.Send(t.Context(), sms.Message{ID: "m1", To: "+33612345678", Text: nasty}); err == nil {
				t.Errorf("%s is taken for a yes", c.no)
			}
		})
	}
}

func parse(t *testing.T, r request) map[string]string {
	t.Helper()
	out := map[string]string{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var tree map[string]any
		if err := json.Unmarshal([]byte(r.body), &tree); err != nil {
			t.Fatal(err)
		}
		for k, v := range tree {
			out[k], _ = v.(string)
		}
		return out
	}
	form, err := url.ParseQuery(r.body)
	if err != nil {
		t.Fatal(err)
	}
	for k := range form {
		out[k] = form.Get(k)
	}
	return out
}

// What is not set leaves its field out, and plain text is not sent as Unicode.
func TestOptionalFields(t *testing.T) {
	s := listen(t, says(201, "{}"))
	values := map[string]any{"account": "AC" + strings.Repeat("a", 32), "user": "SK" + strings.Repeat("b", 32), "token": "hush", "service": "MG" + strings.Repeat("c", 32), "host": s.URL}
	if _, err := router(t, storetest.NewClock(), sms.Settings{Name: "it", Type: "twilio", Values: values}).Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	fields := parse(t, s.requests()[0])
	if _, has := fields["From"]; has || fields["MessagingServiceSid"] != values["service"] {
		t.Error(fields)
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("SK"+strings.Repeat("b", 32)+":hush"))
	if got := s.requests()[0].Header.Get("Authorization"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.behave(says(200, `{"messages":[{"status":"0"}]}`))
	if _, err := router(t, storetest.NewClock(), sms.Settings{Name: "it", Type: "vonage", Values: map[string]any{"key": "k", "secret": "s", "from": "f", "host": s.URL}}).Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	if fields := parse(t, s.requests()[1]); fields["type"] != "" {
		t.Error(fields)
	}
}

// An answer with a status of yes and nothing behind it that can be read may be
// a yes.
func TestUnreadableAnswer(t *testing.T) {
	s, second := listen(t, says(200, `<html>`)), listen(t, accepts)
	r := router(t, storetest.NewClock(), sms.Settings{Name: "it", Type: "vonage", Values: map[string]any{"key": "k", "secret": "s", "from": "f", "host": s.URL}}, viaHTTP("second", second.URL))
	if _, err := r.Send(t.Context(), hello); !errors.Is(err, sms.ErrUncertain) || len(second.requests()) != 0 {
		t.Error(err)
	}
}

// C-08: every mistake at once, each with its setting, and no secret in it.
func TestMistakes(t *testing.T) {
	_, err := sms.New([]sms.Settings{
		{Name: "a", Type: "twilo"},
		{Name: "b", Type: "twilio", Prefixes: []string{"33", "+0"}, Values: map[string]any{"account": "hush", "token": "hush\nhush", "tokn": "hush", "host": "http://api.example.org/?hush"}},
		{Name: "b", Type: "http", Values: map[string]any{"url": "ftp://hush", "method": "DELETE", "headers": map[string]any{"a b": "x"}, "json": map[string]any{}, "form": map[string]any{"a": "b"}, "status": []any{"9xx"}}},
		{Type: "sns", Values: map[string]any{"method": "GET", "region": []any{"x"}}},
	}, sms.Options{})
	var ms sms.Mistakes
	if !errors.As(err, &ms) {
		t.Fatal(err)
	}
	for i, settings := range [][]string{
		{"type"},
		{"prefixes", "prefixes", "account", "token", "tokn", "host", "from"},
		{"url", "method", "headers", "form", "status", "name"},
		{"name", "region", "access_key", "secret_key", "method"},
	} {
		var got []string
		for _, m := range ms {
			if m.Index == i {
				got = append(got, m.Setting)
				if m.Allowed == "" {
					t.Errorf("%+v says nothing", m)
				}
			}
		}
		for _, s := range settings {
			if n, want := count(got, s), count(settings, s); n != want {
				t.Errorf("gateway %d: %s is told %d times, want %d", i, s, n, want)
			}
		}
		if len(got) != len(settings) {
			t.Errorf("gateway %d: %v, want %v", i, got, settings)
		}
	}
	for line := range strings.Lines(err.Error()) {
		if strings.Contains(line, "hush") {
			t.Error(line)
		}
	}
	for _, m := range ms {
		if m.Setting != "account" && strings.Contains(m.Value, "hush") {
			t.Errorf("%+v", m)
		}
	}
	for name, want := range map[string]bool{"token": true, "account": false, "whatever": true} {
		if sms.Secret("twilio", name) != want {
			t.Errorf("Secret(%s) is not %v", name, want)
		}
	}
}

func count(all []string, s string) (n int) {
	for _, a := range all {
		if a == s {
			n++
		}
	}
	return n
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]bool{"123456 é à €\n": true, "ç": false, "’": false, "😀": false, "\u00a0": false} {
		if sms.Plain(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}

package sms

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example of OVHcloud's "First steps with the API".
func TestOVH(t *testing.T) {
	req, _ := http.NewRequest(http.MethodGet, "https://eu.api.ovh.com/1.0/domains/", nil)
	ovh{"7kbG7Bk7S9Nt7ZSV", "EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF", "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1"}.sign(req, nil, time.Unix(1366560945, 0))
	for name, want := range map[string]string{
		"X-Ovh-Application": "7kbG7Bk7S9Nt7ZSV", "X-Ovh-Consumer": "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1",
		"X-Ovh-Timestamp": "1366560945", "X-Ovh-Signature": "$1$d3705e8afb27a0d2970a322b96550abfc67bb798",
	} {
		if got := req.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// The example of AWS's general reference, and of their suite of tests for
// Signature Version 4 those that are like our request.
func TestAWS(t *testing.T) {
	a := aws{AccessKey: "AKIDEXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Region: "us-east-1", Service: "service"}
	iam := a
	iam.Service = "iam"
	for name, c := range map[string]struct {
		with              aws
		method, url, kind string
		body, want        string
	}{
		"iam example": {iam, "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "application/x-www-form-urlencoded; charset=utf-8", "",
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
		"get-vanilla": {a, "GET", "https://example.amazonaws.com/", "", "",
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"post-x-www-form-urlencoded": {a, "POST", "https://example.amazonaws.com/", "application/x-www-form-urlencoded", "Param1=value1",
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		req, err := http.NewRequest(c.method, c.url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind != "" {
			req.Header.Set("Content-Type", c.kind)
		}
		c.with.sign(req, []byte(c.body), time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
		if got := req.Header.Get("Authorization"); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

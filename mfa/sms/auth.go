package sms

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OVHcloud's scheme
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// auth is how a gateway knows who asks; at most one of them. Their values are
// texts with settings in them.
type auth struct {
	Basic  *basic  `yaml:"basic"`
	Bearer *bearer `yaml:"bearer"`
	OVH    *ovh    `yaml:"ovh"`
	AWS    *aws    `yaml:"aws"`
}

type (
	basic struct {
		User     string `yaml:"user"`
		Password string `yaml:"password"`
	}
	bearer struct {
		Token string `yaml:"token"`
	}
	ovh struct {
		ApplicationKey    string `yaml:"application_key"`
		ApplicationSecret string `yaml:"application_secret"`
		ConsumerKey       string `yaml:"consumer_key"`
	}
	aws struct {
		AccessKey string `yaml:"access_key"`
		SecretKey string `yaml:"secret_key"`
		Region    string `yaml:"region"`
		Service   string `yaml:"service"`
	}
)

// sign adds the proof to a request that is complete but for it.
func (a auth) sign(g *gateway, req *http.Request, body []byte, now time.Time) error {
	fill := func(s string) string { return g.expand(s, nil) }
	switch {
	case a.Basic != nil:
		req.SetBasicAuth(fill(a.Basic.User), fill(a.Basic.Password))
	case a.Bearer != nil:
		req.Header.Set("Authorization", "Bearer "+fill(a.Bearer.Token))
	case a.OVH != nil:
		ovh{fill(a.OVH.ApplicationKey), fill(a.OVH.ApplicationSecret), fill(a.OVH.ConsumerKey)}.sign(req, body, now)
	case a.AWS != nil:
		aws{fill(a.AWS.AccessKey), fill(a.AWS.SecretKey), fill(a.AWS.Region), fill(a.AWS.Service)}.sign(req, body, now)
	}
	return nil
}

// sign is OVHcloud's signature, as their first steps with the API describe it.
func (o ovh) sign(req *http.Request, body []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	sum := sha1.Sum([]byte(strings.Join([]string{o.ApplicationSecret, o.ConsumerKey, req.Method, req.URL.String(), string(body), at}, "+"))) //nolint:gosec // theirs, too
	req.Header.Set("X-Ovh-Application", o.ApplicationKey)
	req.Header.Set("X-Ovh-Consumer", o.ConsumerKey)
	req.Header.Set("X-Ovh-Timestamp", at)
	req.Header.Set("X-Ovh-Signature", "$1$"+hex.EncodeToString(sum[:]))
}

// sign is AWS Signature Version 4 over host, date and type of content, as the
// reference for signing API requests describes it. Paths with characters that
// need an escape are not used here.
func (a aws) sign(req *http.Request, body []byte, now time.Time) {
	stamp, day := now.UTC().Format("20060102T150405Z"), now.UTC().Format("20060102")
	req.Header.Set("X-Amz-Date", stamp)
	headers := map[string]string{"host": req.URL.Host, "x-amz-date": stamp}
	if kind := req.Header.Get("Content-Type"); kind != "" {
		headers["content-type"] = kind
	}
	var names, lines []string
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		lines = append(lines, name+":"+headers[name]+"\n")
	}
	path := req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	query := strings.ReplaceAll(req.URL.Query().Encode(), "+", "%20") // Encode sorts
	canonical := strings.Join([]string{req.Method, path, query, strings.Join(lines, ""), strings.Join(names, ";"), hexSum(body)}, "\n")
	scope := strings.Join([]string{day, a.Region, a.Service, "aws4_request"}, "/")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hexSum([]byte(canonical))}, "\n")
	key := []byte("AWS4" + a.SecretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+a.AccessKey+"/"+scope+", SignedHeaders="+strings.Join(names, ";")+", Signature="+hex.EncodeToString(mac(key, toSign)))
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

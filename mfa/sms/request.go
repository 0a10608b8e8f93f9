package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const formType = "application/x-www-form-urlencoded; charset=utf-8"

// request writes the request for a message. Every value is put in its place
// before the whole is encoded, so that no text can become more than a value.
func (g *gateway) request(ctx context.Context, m Message, now time.Time) (*http.Request, error) {
	more := []string{"to", m.To, "number", strings.TrimPrefix(m.To, "+"), "text", m.Text, "id", m.ID}
	body, kind, err := g.body(m, more)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, g.spec.Method, g.address(more), nil)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("User-Agent", "Latchkey")
	req.Header.Set("Accept", "application/json, */*;q=0.5")
	for name, value := range g.spec.Headers {
		req.Header.Set(name, g.expand(value, nil, more...))
	}
	return req, g.spec.Auth.sign(g, req, body, now)
}

// address fills the URL: first with settings that are URLs themselves, then
// with values, each escaped for where it stands.
func (g *gateway) address(more []string) string {
	var whole []string
	for name, s := range g.spec.Settings {
		if v := g.values[name]; s.URL && g.spec.URL == "{"+name+"}" {
			whole = append(whole, "{"+name+"}", v)
		} else if s.URL {
			whole = append(whole, "{"+name+"}", strings.TrimSuffix(v, "/"))
		}
	}
	path, query, asks := strings.Cut(strings.NewReplacer(whole...).Replace(g.spec.URL), "?")
	path = g.expand(path, url.PathEscape, more...)
	if !asks {
		return path
	}
	return path + "?" + g.expand(query, url.QueryEscape, more...)
}

func (g *gateway) body(m Message, more []string) (body []byte, kind string, err error) {
	switch {
	case g.spec.JSON != nil:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err = e.Encode(g.fillTree(g.spec.JSON, more))
		return bytes.TrimRight(b.Bytes(), "\n"), "application/json", err
	case g.spec.Form != nil:
		form := url.Values{}
		add := func(fields map[string]string) {
			for name, value := range fields {
				form.Set(name, g.expand(value, nil, more...))
			}
		}
		add(g.spec.Form)
		for _, x := range g.spec.Extra {
			if x.When == "unicode" && !Plain(m.Text) || g.values[x.When] != "" {
				add(x.Form)
			}
		}
		return []byte(form.Encode()), formType, nil
	}
	return nil, "", nil
}

// fillTree puts values into the strings of a JSON value.
func (g *gateway) fillTree(v any, more []string) any {
	switch v := v.(type) {
	case string:
		return g.expand(v, nil, more...)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = g.fillTree(e, more)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = g.fillTree(e, more)
		}
		return out
	}
	return v
}

// alphabet are the characters of which 160 fit one message; of any text with
// another one only 70 do (3GPP TS 23.038 §6.2.1).
const alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"

// Plain reports whether a text can be sent in the alphabet of SMS.
func Plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(alphabet, r) })
}

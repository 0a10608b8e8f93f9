// Package govalidator stands in for github.com/asaskevich/govalidator, of which
// fosite needs one function. The original compiles a hundred regular
// expressions at every start.
package govalidator

import "net/url"

// IsRequestURL reports whether raw is an absolute URI or path that a request
// may carry, and has a scheme. It decides as the original does.
func IsRequestURL(raw string) bool {
	u, err := url.ParseRequestURI(raw)
	return err == nil && u.Scheme != ""
}

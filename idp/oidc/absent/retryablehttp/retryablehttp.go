// Package retryablehttp stands in for github.com/hashicorp/go-retryablehttp,
// by which fosite would fetch clients' keys and requests. The engine here
// fetches nothing (P-27), and what stands here cannot.
package retryablehttp

import (
	"context"
	"errors"
	"net/http"
)

// ErrAbsent says that nothing is fetched.
var ErrAbsent = errors.New("retryablehttp: not in this program")

// Client fetches nothing.
type Client struct{}

// Request is never sent.
type Request struct{}

// NewClient makes a [Client].
func NewClient() *Client { return &Client{} }

// NewRequest returns [ErrAbsent].
func NewRequest(string, string, any) (*Request, error) { return nil, ErrAbsent }

// WithContext returns r.
func (r *Request) WithContext(context.Context) *Request { return r }

// Do returns [ErrAbsent].
func (*Client) Do(*Request) (*http.Response, error) { return nil, ErrAbsent }

// Get returns [ErrAbsent].
func (*Client) Get(string) (*http.Response, error) { return nil, ErrAbsent }

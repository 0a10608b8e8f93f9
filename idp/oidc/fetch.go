package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"latchkey/idp"
)

// maxDocument is how much is read of what clients keep at an address of theirs,
// in bytes.
const maxDocument = 64 << 10

// errSilent means that a server does not answer just now. What it has said before
// may still hold; after any other failure it does not.
var errSilent = errors.New("oidc: the server does not answer")

// fetch reads a document that a client has registered the address of (P-28). It
// fails with idp.ErrInvalid, whatever went wrong: who registers must not learn
// from us what answers where.
func fetch(ctx context.Context, out Caller, uri string, most int64) ([]byte, error) {
	bad := func(cause error) error {
		return fmt.Errorf("%w: the address gives nothing that can be read: %w", idp.ErrInvalid, cause)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, bad(err)
	}
	answer, err := out.Do(r)
	if errors.Is(err, errOutbound) {
		return nil, bad(withoutAddress(err))
	} else if err != nil {
		return nil, bad(errors.Join(errSilent, withoutAddress(err)))
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return nil, bad(errors.Join(errSilent, err))
	case answer.StatusCode >= http.StatusInternalServerError:
		return nil, bad(fmt.Errorf("%w: status %d", errSilent, answer.StatusCode))
	case answer.StatusCode != http.StatusOK:
		return nil, bad(fmt.Errorf("status %d", answer.StatusCode))
	case int64(len(body)) > most:
		return nil, bad(fmt.Errorf("more than %d bytes", most))
	}
	return body, nil
}

// Package otelx stands in for the package of that name in github.com/ory/x; see
// errorsx beside it.
package otelx

import (
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// End ends a span with the outcome of the function that defers it. The span
// learns that something failed, not what: error texts may quote requests.
func End(span trace.Span, err *error) {
	if err != nil && *err != nil {
		span.SetStatus(codes.Error, "failed")
	}
	span.End()
}

// Package otelx stands in for the package of that name in github.com/ory/x; see
// errorsx beside it.
package otelx

import "go.opentelemetry.io/otel/trace"

// End ends a span. The span learns nothing of the error, whose text may quote
// requests.
func End(span trace.Span, _ *error) { span.End() }

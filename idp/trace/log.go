package trace

import (
	"context"
	"log/slog"
)

// Lines adds the id of the trace to the lines of a log, as trace_id.
func Lines(next slog.Handler) slog.Handler { return lines{next} }

type lines struct{ slog.Handler }

func (l lines) Handle(ctx context.Context, r slog.Record) error {
	if id := ID(ctx); id != "" {
		r = r.Clone() // others may hold it
		r.AddAttrs(slog.String("trace_id", id))
	}
	return l.Handler.Handle(ctx, r)
}

func (l lines) WithAttrs(attrs []slog.Attr) slog.Handler { return lines{l.Handler.WithAttrs(attrs)} }

func (l lines) WithGroup(name string) slog.Handler { return lines{l.Handler.WithGroup(name)} }

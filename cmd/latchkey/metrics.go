package main

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Name: "latchkey_http_request_seconds", Help: "Time to answer, by route and status.",
	Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
}, []string{"method", "route", "status"})

func observe(method, route string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions:
	default:
		method = "other" // anybody can invent methods; a label must not grow with them
	}
	requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// metrics serves Prometheus; its listener is not the public one (D-14).
func metrics(b *base) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors(b)...)
	m := http.NewServeMux()
	m.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{prometheus.DefaultGatherer, r}, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})) // one that fails hides none of the others
	return m
}

// collectors are all that is ours; docs/operator.md lists what they tell.
func collectors(b *base) []prometheus.Collector {
	return []prometheus.Collector{
		newHouseState(b), b.counts, requests,
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "latchkey_sql_round_trips_total", Help: "Round trips to the database."},
			func() float64 { trips, _ := b.db.Trips(); return float64(trips) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "latchkey_sql_commits_total", Help: "Commits in the database."},
			func() float64 { _, commits := b.db.Trips(); return float64(commits) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "latchkey_trace_spans_dropped_total", Help: "Spans that did not get to the collector."},
			func() float64 { return float64(b.lost()) }),
	}
}

func prefixes(ps []netip.Prefix) []string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.String()
	}
	return out
}

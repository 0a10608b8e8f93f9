package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/idp/mail"
	"latchkey/idp/oidc"
)

var (
	readMetric    = prometheus.NewDesc("latchkey_database_up", "1 when the database told how the house stands; 0 when it did not, and gauges are missing.", nil, nil)
	oldestMetric  = prometheus.NewDesc("latchkey_outbox_oldest_seconds", "Age of the oldest message that is not sent and waits; 0: none does.", []string{"channel"}, nil)
	givenUpMetric = prometheus.NewDesc("latchkey_outbox_given_up", "Messages of the last 30 days that failed and are not tried again.", []string{"channel"}, nil)
	odooMetric    = prometheus.NewDesc("latchkey_odoo_up", "1 when the last contact with a connected Odoo worked.", []string{"connection"}, nil)
	contactMetric = prometheus.NewDesc("latchkey_odoo_last_contact_seconds", "Time since the last contact with a connected Odoo that worked.", []string{"connection"}, nil)
	rotateMetric  = prometheus.NewDesc("latchkey_signing_key_days", "Days until the key that signs is replaced by itself; below 0: it should have been.", []string{"alg"}, nil)
)

// gauging notes one value of a gauge.
type gauging func(d *prometheus.Desc, v float64, labels ...string)

const (
	// stateLife is how long what was read is told again: several Prometheus
	// servers, or one that is impatient, cost one reading.
	stateLife = 10 * time.Second
	// statePatience is below that of Prometheus, which gives up after ten seconds
	// unless it is told otherwise.
	statePatience = 3 * time.Second
)

// houseState is how the house stands, read when Prometheus asks. A database that
// is down, or hangs, shows as latchkey_database_up 0: what was so earlier is not
// told as if it were so now.
type houseState struct {
	read     func(ctx context.Context, gauge gauging) error
	now      func() time.Time
	patience time.Duration // the most that a scrape waits

	mu      sync.Mutex
	last    []prometheus.Metric
	at      time.Time     // of last
	reading chan struct{} // closed when the reading under way is done; nil: none is
}

func newHouseState(b *base) *houseState {
	return &houseState{read: b.measure, now: b.now, patience: statePatience}
}

// Describe is prometheus.Collector's.
func (*houseState) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		readMetric, oldestMetric, givenUpMetric, odooMetric, contactMetric, rotateMetric, waitingMetric, brokenMetric, behindMetric, failureMetric,
	} {
		to <- d
	}
}

// Collect is prometheus.Collector's.
func (s *houseState) Collect(to chan<- prometheus.Metric) {
	for _, m := range s.metrics() {
		to <- m
	}
}

func value(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// metrics are those of the last reading, or of a new one when that is too old.
// There is one at a time, however many ask.
func (s *houseState) metrics() []prometheus.Metric {
	s.mu.Lock()
	if age := s.now().Sub(s.at); s.reading == nil && (age < 0 || age >= stateLife) {
		s.reading = make(chan struct{})
		go s.renew(s.reading)
	}
	reading := s.reading
	s.mu.Unlock()
	if reading != nil {
		select {
		case <-reading:
		case <-time.After(s.patience): // it may go on; nobody waits for it
			return []prometheus.Metric{value(readMetric, 0)}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *houseState) renew(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), s.patience) // the library gives none
	defer cancel()
	var all []prometheus.Metric
	err := s.read(ctx, func(d *prometheus.Desc, v float64, labels ...string) { all = append(all, value(d, v, labels...)) })
	all = append(all, value(readMetric, truth(err == nil)))
	s.mu.Lock()
	s.last, s.at, s.reading = all, s.now(), nil
	s.mu.Unlock()
	close(done)
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// measure reads how the house stands. A part that cannot be read hides none of
// the others.
func (b *base) measure(ctx context.Context, gauge gauging) error {
	return errors.Join(b.records.measure(ctx, gauge), b.messages.measure(ctx, gauge), b.odoo.measure(ctx, gauge), b.protocol.measure(ctx, gauge))
}

// measure is how the outbox stands. Without a mail server no mail is meant to
// leave.
func (m *messageSide) measure(ctx context.Context, gauge gauging) error {
	all, err := m.db.Deliveries.Backlogs(ctx)
	if err != nil {
		return err
	}
	for _, channel := range []mail.Channel{mail.Mail, mail.SMS, mail.Odoo, mail.Logout} {
		b, age := all[channel], time.Duration(0)
		if channel == mail.Mail && m.cfg.Mail.SMTPURL == "" {
			continue
		}
		if !b.Oldest.IsZero() {
			age = max(0, m.now().Sub(b.Oldest))
		}
		gauge(oldestMetric, age.Seconds(), string(channel))
		gauge(givenUpMetric, float64(b.GivenUp), string(channel))
	}
	return nil
}

// measure is how the connections stand, by the names that administrators gave
// them.
func (o *odooSide) measure(ctx context.Context, gauge gauging) error {
	all, err := o.db.Connections.All(ctx)
	for _, c := range all {
		gauge(odooMetric, truth(c.Health.Well()), c.ID)
		gauge(contactMetric, max(0, o.now().Sub(c.Health.Good)).Seconds(), c.ID)
	}
	return err
}

// measure is how long the keys sign yet.
func (p *protocolSide) measure(ctx context.Context, gauge gauging) error {
	all, err := p.custodian().List(ctx, host)
	for _, k := range all {
		if k.State == oidc.Current {
			gauge(rotateMetric, k.Until.Sub(p.now()).Hours()/24, k.Alg)
		}
	}
	return err
}

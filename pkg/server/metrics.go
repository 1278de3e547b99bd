package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
)

// metrics count what happens. Labels come from configuration and fixed lists only, so that no request makes a series.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	dropped   prometheus.Counter
	duration  *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	limited   *prometheus.CounterVec
	reloads   *prometheus.CounterVec
	audit     prometheus.Counter
	alarms    *prometheus.CounterVec
	journeys  journeyMetrics
}

func newMetrics(pool *password.Pool) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ropcd_http_requests_total", Help: "Requests answered, by endpoint and status.",
		}, []string{"endpoint", "status"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ropcd_http_requests_dropped_total", Help: "Requests dropped without an answer: too many were being refused already.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ropcd_http_request_duration_seconds", Help: "Time from the request's headers to the end of the answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2},
		}, []string{"endpoint"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ropcd_decisions_total", Help: "Audited decisions, by event, realm, outcome and reason.",
		}, []string{"event", "realm", "outcome", "reason"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ropcd_limited_total", Help: "Requests that a rate limit refused, by realm and layer (address, client or user_client).",
		}, []string{"realm", "layer"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ropcd_config_reloads_total", Help: "Configurations read while running, by outcome (loaded or refused).",
		}, []string{"outcome"}),
		audit: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ropcd_audit_failures_total", Help: "Audit events that could not be written.",
		}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ropcd_alarms_total", Help: "Alarms raised, by realm and reason (many_owners of an address, failure_ratio of a client).",
		}, []string{"realm", "reason"}),
	}
	m.registry.MustRegister(m.requests, m.dropped, m.duration, m.decisions, m.limited, m.reloads, m.audit, m.alarms)
	m.journeys = newJourneyMetrics(m.registry)
	prometheus.WrapRegistererWithPrefix("ropcd_", m.registry).MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for name, help := range map[string]string{
		"workers": "Passwords that may be hashed at once.", "running": "Passwords being hashed.", "waiting": "Logins admitted that wait.",
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ropcd_hashing_" + name, Help: help}, poolGauge(pool, name)))
	}
	return m
}

// open shows how many requests are under way.
func (m *metrics) open(o *openRequests) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ropcd_http_requests_open", Help: "Requests being served, of server.limits.requests at most.",
	}, func() float64 { return float64(o.served.Load()) }))
}

// watch shows how much the alarms' memory has lost.
func (m *metrics) watch(w *guard.Watch) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "ropcd_alarms_forgotten_total", Help: "Addresses and clients that the alarms forgot too early, for want of room.",
	}, func() float64 { return float64(w.Forgotten()) }))
}

// connections shows the store's connections.
func (m *metrics) connections(c storage.Connected) {
	gauge := func(name, help string, value func(storage.Connections) int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ropcd_store_connections_" + name, Help: help},
			func() float64 { return float64(value(c.Connections())) }))
	}
	counter := func(name, help string, value func(storage.Connections) uint64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "ropcd_store_connection_" + name, Help: help},
			func() float64 { return float64(value(c.Connections())) }))
	}
	gauge("open", "Connections to Redis.", func(n storage.Connections) int { return n.Open })
	gauge("idle", "Connections to Redis that nothing uses.", func(n storage.Connections) int { return n.Idle })
	counter("waits_total", "Calls that waited for a connection: storage.redis.pool_size were in use.",
		func(n storage.Connections) uint64 { return n.Waited })
	counter("timeouts_total", "Calls that waited in vain for a connection.", func(n storage.Connections) uint64 { return n.TimedOut })
}

func poolGauge(pool *password.Pool, name string) func() float64 {
	return func() float64 {
		workers, running, waiting := pool.Stats()
		return float64(map[string]int{"workers": workers, "running": running, "waiting": waiting}[name])
	}
}

func (m *metrics) request(endpoint string, status int, took time.Duration) {
	m.requests.WithLabelValues(endpoint, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(endpoint).Observe(took.Seconds())
}

func (m *metrics) drop() { m.dropped.Inc() }

func (m *metrics) decision(event, realm, outcome, reason string) {
	m.decisions.WithLabelValues(event, realm, outcome, reason).Inc()
}

func (m *metrics) limit(realm, layer string) { m.limited.WithLabelValues(realm, layer).Inc() }

func (m *metrics) alarm(realm, reason string) { m.alarms.WithLabelValues(realm, reason).Inc() }

func (m *metrics) auditFailed() { m.audit.Inc() }

// Reloaded counts a reload of the configuration.
func (s *Server) Reloaded(ok bool) {
	s.metrics.reloads.WithLabelValues(map[bool]string{true: "loaded", false: "refused"}[ok]).Inc()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
)

// journeyMetrics count how journeys and their nodes end, and how long they take. The labels are names of the
// configuration.
type journeyMetrics struct {
	runs     *prometheus.CounterVec
	took     *prometheus.HistogramVec
	outcomes *prometheus.CounterVec
	nodeTook *prometheus.HistogramVec
}

func newJourneyMetrics(r *prometheus.Registry) journeyMetrics {
	buckets := []float64{.0001, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2}
	m := journeyMetrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ropcd_journey_runs_total", Help: "Journeys run, by realm, journey and outcome (success, denied or fault).",
		}, []string{"realm", "journey", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ropcd_journey_duration_seconds", Help: "Time that journeys took, by realm and journey.", Buckets: buckets,
		}, []string{"realm", "journey"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ropcd_journey_node_outcomes_total", Help: "Outcomes of nodes, by realm, journey, node and outcome (of the node, or fault).",
		}, []string{"realm", "journey", "node", "outcome"}),
		nodeTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ropcd_journey_node_duration_seconds", Help: "Time that nodes took, by realm, journey and node.", Buckets: buckets,
		}, []string{"realm", "journey", "node"}),
	}
	r.MustRegister(m.runs, m.took, m.outcomes, m.nodeTook)
	return m
}

// journey counts a run, if there was one.
func (m *metrics) journey(e audit.Event, trail []journey.Step) {
	if len(trail) == 0 {
		return
	}
	var took time.Duration
	for _, s := range trail {
		outcome := s.Outcome
		if outcome == "" {
			outcome = audit.Fault
		}
		m.journeys.outcomes.WithLabelValues(e.Realm, s.Journey, s.Node, outcome).Inc()
		m.journeys.nodeTook.WithLabelValues(e.Realm, s.Journey, s.Node).Observe(s.Duration.Seconds())
		if s.Journey == e.Journey { // the steps of an inner journey are within one of these
			took += s.Duration
		}
	}
	m.journeys.runs.WithLabelValues(e.Realm, e.Journey, e.Outcome).Inc()
	m.journeys.took.WithLabelValues(e.Realm, e.Journey).Observe(took.Seconds())
}

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// entry is one thing to measure, and what it is compared with.
type entry struct {
	name    string // of the row
	store   string // bolt, redis or memory; empty: none
	target  target
	ceiling string // the name of an entry of the same group; empty: it is one itself
	goals   []promise
}

// row is an entry with its figures: medians of the rounds.
type row struct {
	Name    string `json:"name"`
	Store   string `json:"store,omitempty"`
	Rate    figure `json:"requests_per_second"`
	P50     figure `json:"p50_ms"`
	P99     figure `json:"p99_ms"`
	CPU     figure `json:"server_cpu_us_per_request"`
	Mallocs figure `json:"allocations_per_request"`
	Busy    figure `json:"server_core_busy"` // the share of it
	Refused int    `json:"answered_503"`     // in all rounds, and in no other figure

	Ceiling string `json:"ceiling,omitempty"`
	OfRate  figure `json:"of_ceiling_by_rate"` // medians of the rounds' ratios
	OfCPU   figure `json:"of_ceiling_by_cpu"`
	Above   figure `json:"server_cpu_us_above_ceiling"`

	goals []promise
}

// ratio is the worse one of both.
func (r *row) ratio() figure { return least(r.OfRate, r.OfCPU) }

// compare measures a group: in each round the entries take turns for a slice of the phase, again and again.
func (b *bench) compare(ctx context.Context, phase time.Duration, group []entry) ([]row, error) {
	for _, e := range group { // connections, caches, heaps
		if _, err := e.run(phase / 10); err != nil {
			return nil, err
		}
	}
	samples := make([][]sample, len(group))
	for round := range b.rounds {
		for i := range group {
			samples[i] = append(samples[i], sample{})
		}
		for range b.slices {
			for i, e := range group {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				s, err := e.run(phase / time.Duration(b.slices))
				if err != nil {
					return nil, err
				}
				samples[i][round].add(s)
			}
		}
	}
	rows := make([]row, len(group))
	for i, e := range group {
		rows[i] = rowOf(e, samples[i])
		if j := slices.IndexFunc(group, func(o entry) bool { return o.name == e.ceiling && o.ceiling == "" }); j >= 0 {
			rows[i].against(samples[i], samples[j])
		}
	}
	return rows, nil
}

func (e *entry) run(d time.Duration) (sample, error) {
	s, err := e.target.run(d)
	if err != nil {
		return sample{}, fmt.Errorf("%s, %s: %w", e.name, e.store, err)
	}
	return s, nil
}

func rowOf(e entry, rounds []sample) row {
	of := func(f func(s *sample) figure) figure {
		var list []figure
		for i := range rounds {
			list = append(list, f(&rounds[i]))
		}
		return median(list)
	}
	refused := 0
	for i := range rounds {
		refused += rounds[i].refused
	}
	return row{
		Refused: refused, Name: e.name, Store: e.store, Ceiling: e.ceiling, goals: e.goals, OfRate: unknown, OfCPU: unknown, Above: unknown,
		Rate: of((*sample).rate), CPU: of((*sample).cpuEach) / 1000, Mallocs: of((*sample).mallocsEach), Busy: of((*sample).busy),
		P50: of(func(s *sample) figure { return millis(s.quantile(0.5)) }),
		P99: of(func(s *sample) figure { return millis(s.quantile(0.99)) }),
	}
}

// against compares with the ceiling, round by round.
func (r *row) against(own, ceiling []sample) {
	var byRate, byCPU, above []figure
	for i := range own {
		byRate = append(byRate, own[i].rate()/ceiling[i].rate())
		byCPU = append(byCPU, ceiling[i].cpuEach()/own[i].cpuEach())
		above = append(above, (own[i].cpuEach()-ceiling[i].cpuEach())/1000)
	}
	r.OfRate, r.OfCPU, r.Above = median(byRate), median(byCPU), median(above)
}

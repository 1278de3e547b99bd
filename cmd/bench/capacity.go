package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-analyze/charts"

	"github.com/ropcd/ropcd/storage/bolt"
)

// step is a store of one size under load.
type step struct {
	Store  string `json:"store"`
	Grants int    `json:"live_grants"` // ten an owner
	// PerGrant is the memory of Redis that grants and their indexes take; of bolt the size of the file, owners too.
	PerGrant figure `json:"bytes_per_grant"`
	Total    figure `json:"mb"`                       // with everything, owners too
	Filled   figure `json:"logins_filled_per_second"` // each refreshed once, and its share of an owner
	Resident figure `json:"server_resident_mib"`      // after the load
	Rows     []row  `json:"operations"`
}

// capacityReport is what a run of make capacity writes.
type capacityReport struct {
	Notes []string  `json:"notes"`
	Steps []step    `json:"steps"`
	Goals []verdict `json:"goals"`
}

const (
	grantsEach   = 10
	smallestSize = 10_000
	megabyte     = 1_000_000
)

// sizes are powers of ten up to the largest.
func (b *bench) sizes() (list []int) {
	for n := smallestSize; n < b.size; n *= 10 {
		list = append(list, n)
	}
	return append(list, b.size)
}

// capacity is make capacity.
func (b *bench) capacity(ctx context.Context, out io.Writer) error {
	r := capacityReport{Notes: append(b.notes()[:2], "Stores are filled by logins through their contract, ten for each owner, each refreshed once.",
		"In Redis, the bytes are those of grants and their indexes, and MB are those of everything, owners too. In bolt both are the file's.",
		"Then grants of owners at random are made, refreshed and introspected through the server, without hashes.")}
	for _, grow := range []func(context.Context) ([]step, error){b.growRedis, b.growBolt} {
		steps, err := grow(ctx)
		if err != nil {
			return err
		}
		r.Steps = append(r.Steps, steps...)
	}
	r.judge()
	if err := r.print(out); err != nil {
		return err
	}
	return b.write(out, r, func() ([]byte, error) { return r.picture(charts.ChartOutputSVG) })
}

// growRedis fills one Redis, and stops for measuring at each size.
func (b *bench) growRedis(ctx context.Context) (list []step, err error) {
	r, err := startRedis(b.cores.redis)
	if err != nil {
		return nil, err
	}
	defer r.close()
	store, err := openRedis(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	f, have, grants := filler{store: store, each: grantsEach, parallel: 64}, 0, figure(0)
	for _, size := range b.sizes() {
		start := time.Now()
		if err := f.owners(ctx, have/f.each, size/f.each); err != nil {
			return nil, err
		}
		took := time.Since(start)
		before, err := b.usedBy(ctx, r)
		if err != nil {
			return nil, err
		}
		start = time.Now()
		if err := f.grants(ctx, have/f.each, size/f.each); err != nil {
			return nil, err
		}
		took += time.Since(start)
		used, err := b.usedBy(ctx, r)
		if err != nil {
			return nil, err
		}
		grants += used - before
		s := step{
			Store: "redis", Grants: size, PerGrant: grants / figure(size), Total: used / megabyte, Filled: figure(size-have) / figure(took.Seconds()),
		}
		if err := b.load(ctx, &s, r.storage()); err != nil {
			return nil, err
		}
		list, have = append(list, s), size
	}
	return list, nil
}

// usedBy is the memory of Redis once what lives for seconds is gone.
func (b *bench) usedBy(ctx context.Context, r *redisServer) (figure, error) {
	b.settle(ctx)
	return r.used(ctx)
}

// growBolt fills one file, which the server has to itself while it is measured.
func (b *bench) growBolt(ctx context.Context) (list []step, err error) {
	path, have := filepath.Join(b.dir, "capacity.db"), 0
	defer func() { _ = os.Remove(path) }()
	for _, size := range b.sizes() {
		store, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			return nil, err
		}
		took, err := filler{store: store, each: grantsEach, parallel: 512}.fill(ctx, have, size)
		if errClose := store.Close(); err == nil {
			err = errClose
		}
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("measure the file: %w", err)
		}
		used := figure(info.Size())
		s := step{Store: "bolt", Grants: size, PerGrant: used / figure(size), Total: used / megabyte, Filled: figure(size-have) / figure(took.Seconds())}
		if err := b.load(ctx, &s, boltAt(path)); err != nil {
			return nil, err
		}
		list, have = append(list, s), size
	}
	return list, nil
}

// fill makes a store larger by owners and their grants.
func (f filler) fill(ctx context.Context, have, size int) (time.Duration, error) {
	start := time.Now()
	if err := f.owners(ctx, have/f.each, size/f.each); err != nil {
		return 0, err
	}
	err := f.grants(ctx, have/f.each, size/f.each)
	return time.Since(start), err
}

// load measures a server on the store. What that adds to the store is little beside what there is.
func (b *bench) load(ctx context.Context, s *step, section string) error {
	server, err := b.serve(ctx, setup{storage: section, null: true})
	if err != nil {
		return err
	}
	defer server.stop()
	login, refresh, introspect, err := b.threeTargets(server, s.Grants/grantsEach)
	if err != nil {
		return err
	}
	defer func() { login.close(); refresh.close(); introspect.close() }()
	s.Rows, err = b.compare(ctx, b.phase, []entry{
		{name: "password grant, no hash", store: s.Store, target: login}, {name: "refresh with rotation", store: s.Store, target: refresh},
		{name: "introspection", store: s.Store, target: introspect},
	})
	all, _ := server.resident()
	s.Resident = mib(all)
	return err
}

// judge compares the largest Redis with what is promised.
func (r *capacityReport) judge() {
	var first, last *step
	for i := range r.Steps {
		if r.Steps[i].Store != "redis" {
			continue
		}
		if first == nil {
			first = &r.Steps[i]
		}
		last = &r.Steps[i]
	}
	if first == nil || first == last {
		return
	}
	const promised = 400 // bytes: a million in 400 MB
	what := fmt.Sprintf("%d live grants in Redis, ten an owner", last.Grants)
	r.Goals = append(r.Goals,
		atMost(figure(last.Grants)*promised/megabyte, "MB").judge(what, "without the owners' own records", last.PerGrant*figure(last.Grants)/megabyte),
		atLeast(0.9, "of the rate").judge(fmt.Sprintf("refresh with %d grants", last.Grants), fmt.Sprintf("with %d", first.Grants),
			last.Rows[1].Rate/first.Rows[1].Rate),
		atMost(1.1, "of the CPU time").judge(fmt.Sprintf("refresh with %d grants", last.Grants), fmt.Sprintf("with %d", first.Grants),
			last.Rows[1].CPU/first.Rows[1].CPU))
}

func (r *capacityReport) print(out io.Writer) error {
	header := "live grants\tstore\tbytes a grant\tMB\tfilled/s\tserver MiB\toperation\trequests/s\tp50 ms\tp99 ms\tserver CPU µs"
	return table(out, r.Notes, header, func(line func(cells ...string)) {
		for _, s := range r.Steps {
			start := []string{fmt.Sprint(s.Grants), s.Store, s.PerGrant.text(0), s.Total.text(0), s.Filled.text(0), s.Resident.text(0)}
			for _, w := range s.Rows {
				line(append(start, w.Name, w.Rate.text(0), w.P50.text(2), w.P99.text(2), w.CPU.text(0))...)
				start = make([]string, len(start))
			}
		}
		printGoals(line, r.Goals)
	})
}

// picture is the results by size.
func (r *capacityReport) picture(format string) ([]byte, error) {
	bytes := panel{title: "Bytes per live grant, ten an owner", series: []string{"bytes"}, values: make([][]figure, 1)}
	rates := panel{title: "Requests per second, one core, no hash"}
	slow := panel{title: "p99 in ms", decimals: 1}
	for _, s := range r.Steps {
		label := fmt.Sprintf("%d grants, %s", s.Grants, s.Store)
		bytes.labels, bytes.values[0] = append(bytes.labels, label), append(bytes.values[0], s.PerGrant)
		rates.labels, slow.labels = append(rates.labels, label), append(slow.labels, label)
		for i, w := range s.Rows {
			if i == len(rates.series) {
				rates.series, slow.series = append(rates.series, w.Name), append(slow.series, w.Name)
				rates.values, slow.values = append(rates.values, nil), append(slow.values, nil)
			}
			rates.values[i], slow.values[i] = append(rates.values[i], w.Rate), append(slow.values[i], w.P99)
		}
	}
	return draw(format, bytes, rates, slow)
}

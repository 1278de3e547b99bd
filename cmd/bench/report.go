package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
)

// report is what a run of make bench writes.
type report struct {
	Notes []string  `json:"notes"`
	Rows  []row     `json:"rows"`
	Goals []verdict `json:"goals"`
}

// notes say what the figures are worth.
func (b *bench) notes() []string {
	return []string{
		fmt.Sprintf("%s, %s/%s, %d cores; %s.", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), b.cores),
		fmt.Sprintf("Medians of %d rounds, in which what is compared takes turns. %d connections; %d where a password is hashed.", b.rounds, b.connections, b.hashers),
		"The server has its default configuration, and logs each request, but for rate limits, which are off, and audit events, which go to a file.",
		"Redis keeps nothing on disk. bolt commits to disk, where connections share commits.",
		"A ratio is the worse one of the rates' and of the CPU times'. Where the server's core is less than busy, something else is the limit.",
		"Floods (goodput at three times the capacity, introspection meanwhile) are measured by make soak.",
	}
}

// measure is make bench.
func (b *bench) measure(ctx context.Context, out io.Writer) error {
	r := report{Notes: b.notes()}
	rows := func(group string, measure func(context.Context) ([]row, error)) error {
		if !b.wanted(group) {
			return nil
		}
		list, err := measure(ctx)
		r.Rows = append(r.Rows, list...)
		for i := range list {
			r.Goals = append(r.Goals, list[i].verdicts()...)
		}
		return err
	}
	goals := func(group string, measure func(context.Context) ([]verdict, error)) error {
		if !b.wanted(group) {
			return nil
		}
		list, err := measure(ctx)
		r.Goals = append(r.Goals, list...)
		return err
	}
	for _, step := range []func() error{
		func() error { return rows("hash", b.hashGroups) },
		func() error { return rows("null", b.nullGroup) },
		func() error { return goals("handlers", b.compareHandlers) },
		func() error { return goals("memory", b.memory) },
		func() error { return goals("process", b.processes) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	for i := range r.Rows {
		if w := &r.Rows[i]; w.Refused > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: %d requests were answered 503, and are not counted.", w.Name, w.Store, w.Refused))
		}
	}
	if err := r.print(out); err != nil {
		return err
	}
	return b.write(out, r, r.chart)
}

func (r report) print(out io.Writer) error {
	header := "operation\tstore\trequests/s\tp50 ms\tp99 ms\tserver CPU µs\tallocations\tcore busy\tshare\tof its ceiling"
	return table(out, r.Notes, header, func(line func(cells ...string)) {
		for i := range r.Rows {
			w := &r.Rows[i]
			line(w.Name, w.Store, w.Rate.text(0), w.P50.text(2), w.P99.text(2), w.CPU.text(0), w.Mallocs.text(0), w.Busy.text(2),
				w.ratio().text(2), w.Ceiling)
		}
		printGoals(line, r.Goals)
	})
}

func printGoals(line func(cells ...string), goals []verdict) {
	line()
	line("goal", "against", "goal", "measured", "")
	for _, v := range goals {
		bound := "-"
		if v.Goal.known() {
			bound = v.goal.String()
		}
		line(v.What, v.Against, bound, v.goal.value(v.Measured), v.String())
	}
}

// table prints notes and lines of cells.
func table(out io.Writer, notes []string, header string, rows func(line func(cells ...string))) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, header)
	rows(func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) })
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err := fmt.Fprintln(out, "\n"+strings.Join(notes, "\n"))
	return err
}

// write makes the files, and says where they are.
func (b *bench) write(out io.Writer, document any, chart func() ([]byte, error)) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("encode results: %w", err)
	}
	drawn, err := chart()
	if err != nil {
		return fmt.Errorf("draw results: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(b.out), 0o755); err != nil {
		return fmt.Errorf("make the folder of results: %w", err)
	}
	for name, content := range map[string][]byte{b.out + ".json": append(text, '\n'), b.out + ".svg": drawn} {
		if err := os.WriteFile(name, content, 0o644); err != nil { //nolint:gosec // nothing of it is secret
			return fmt.Errorf("write results: %w", err)
		}
	}
	_, err = fmt.Fprintf(out, "\nWritten: %s.json, %[1]s.svg\n", b.out)
	return err
}

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain is also what the program is when it starts itself.
func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// build makes the server to measure.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "ropcd")
	if out, err := exec.Command("go", "build", "-o", binary, "../ropcd").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// results runs the program as short as can be, and reads what it has written.
func results(t *testing.T, into any, args ...string) (printed string) {
	t.Helper()
	var b strings.Builder
	out := filepath.Join(t.TempDir(), "results")
	if err := run(t.Context(), append([]string{"-quick", "-binary", build(t), "-out", out}, args...), &b); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
	if svg, err := os.ReadFile(out + ".svg"); err != nil || !strings.HasPrefix(string(svg), "<svg") {
		t.Errorf("no picture: %v, %.40q", err, svg)
	}
	return b.String()
}

// Every row of the table is measured, with its ceiling. How fast anything is, is not judged here.
func TestBenchMeasuresEveryRow(t *testing.T) {
	var r struct {
		Rows  []struct{ Name, Store, Ceiling string }
		Goals []struct{ What string }
	}
	printed := results(t, &r)
	var rows []string
	for _, w := range r.Rows {
		rows = append(rows, strings.TrimSuffix(w.Name+", "+w.Store, ", "))
		if w.Ceiling != "" && !slices.ContainsFunc(r.Rows, func(o struct{ Name, Store, Ceiling string }) bool { return o.Name == w.Ceiling }) {
			t.Errorf("%s has no ceiling %q", w.Name, w.Ceiling)
		}
	}
	for _, name := range []string{
		"raw argon2id loop", "password grant, argon2id, bolt", "password grant, argon2id, redis",
		"raw bcrypt loop", "password grant, bcrypt, bolt", "password grant, bcrypt, redis",
		ceilingBare, ceilingGet, ceilingWrite, ceilingTwice,
		"password grant, no hash, redis", "refresh with rotation, redis", "introspection, redis",
		"password grant, no hash, bolt", "refresh with rotation, bolt", "introspection, bolt",
		"fosite: password grant, no hash, memory", "fosite: refresh, memory", "fosite: introspection, memory",
	} {
		if !slices.Contains(rows, name) {
			t.Errorf("no row %q", name)
		}
		if first, _, _ := strings.Cut(name, ", redis"); !strings.Contains(printed, strings.Split(first, ", bolt")[0]) && !strings.Contains(name, "memory") {
			t.Errorf("%q is not printed", name)
		}
	}
	if len(r.Goals) != 22 {
		t.Errorf("%d goals", len(r.Goals))
	}
}

// A store is filled, and a server on it is measured, at each size.
func TestCapacityMeasuresBothStores(t *testing.T) {
	var r struct {
		Steps []struct {
			Store      string
			Grants     int     `json:"live_grants"`
			PerGrant   float64 `json:"bytes_per_grant"`
			Total      float64 `json:"mb"`
			Operations []struct{ Name string }
		}
	}
	results(t, &r, "capacity")
	if len(r.Steps) != 2 || r.Steps[0].Store == r.Steps[1].Store {
		t.Fatalf("steps %+v", r.Steps)
	}
	for _, s := range r.Steps {
		// In so small a Redis the grants are lost in what connections take: they may look like nothing.
		if s.Grants != 400 || s.Total <= 0 || (s.Store == "bolt" && s.PerGrant <= 0) || len(s.Operations) != 3 {
			t.Errorf("step %+v", s)
		}
	}
}

// The null hasher is a benchmark's: no configuration can ask for it.
func TestNullHasherIsNotInTheServer(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../ropcd").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, only := range []string{"cmd/bench", "go-analyze/charts"} {
		if strings.Contains(string(out), only) {
			t.Errorf("the server links %s", only)
		}
	}
}

func BenchmarkHandlers(b *testing.B) {
	own, err := ownHandlers()
	if err != nil {
		b.Fatal(err)
	}
	stock, err := stockHandlers()
	if err != nil {
		b.Fatal(err)
	}
	for _, row := range []struct {
		name string
		of   *handlers
	}{{"own", own}, {"fosite", stock}} {
		for _, grant := range []string{passwordGrant, refreshGrant} {
			b.Run(row.name+"/"+strings.ReplaceAll(grant, " ", "-"), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := row.of.serve(grant); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

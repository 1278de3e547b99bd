package main_test

import "testing"

func TestMemoryIsTradedForFewerCollectionsUnlessToldOtherwise(t *testing.T) {
	collections := func() float64 {
		dir := t.TempDir()
		configure(t, dir, "{driver: bolt, bolt: {path: ropcd.db}}", alpha)
		return (&settlers{p: start(t, dir)}).metric("ropcd_go_gc_gogc_percent")
	}
	if got := collections(); got != 400 {
		t.Errorf("GOGC is %v, want 400", got)
	}
	t.Setenv("GOGC", "50")
	if got := collections(); got != 50 {
		t.Errorf("GOGC is %v, want that of the environment, 50", got)
	}
}

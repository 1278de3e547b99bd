package main

import "fmt"

// goal is what a figure should be.
type goal struct {
	bound figure
	most  bool // at most; else at least
	unit  string
}

func atLeast(bound figure, unit string) goal { return goal{bound: bound, unit: unit} }

func atMost(bound figure, unit string) goal { return goal{bound: bound, most: true, unit: unit} }

func (g goal) String() string {
	sign := "≥"
	if g.most {
		sign = "≤"
	}
	return fmt.Sprintf("%s %s", sign, g.value(g.bound))
}

// value is a figure with the unit.
func (g goal) value(f figure) string {
	if !f.known() {
		return "-"
	}
	decimals := 2
	if f >= 10 {
		decimals = 0
	}
	return f.text(decimals) + " " + g.unit
}

// verdict is a goal with what was measured.
type verdict struct {
	What     string `json:"what"`
	Against  string `json:"against,omitempty"`
	Goal     figure `json:"goal"`
	AtMost   bool   `json:"at_most"` // else at least
	Unit     string `json:"unit"`
	Measured figure `json:"measured"`
	Kept     *bool  `json:"kept"` // null: could not be measured

	goal goal
}

func (g goal) judge(what, against string, measured figure) verdict {
	v := verdict{What: what, Against: against, Goal: g.bound, AtMost: g.most, Unit: g.unit, Measured: measured, goal: g}
	if measured.known() {
		kept := (measured <= g.bound) == g.most || measured == g.bound
		v.Kept = &kept
	}
	return v
}

// String is the verdict in words.
func (v verdict) String() string {
	switch {
	case !v.Goal.known():
		return ""
	case v.Kept == nil:
		return "not measured"
	case *v.Kept:
		return "kept"
	}
	return "NOT kept"
}

// promise is a goal for a figure of a row.
type promise struct {
	goal
	of func(*row) figure
}

func (r *row) verdicts() (list []verdict) {
	for _, p := range r.goals {
		list = append(list, p.judge(r.Name+", "+r.Store, r.Ceiling, p.of(r)))
	}
	return list
}

// told is a figure without a goal.
func told(what, against, unit string, measured figure) verdict {
	return verdict{What: what, Against: against, Goal: unknown, Unit: unit, Measured: measured, goal: goal{bound: unknown, unit: unit}}
}

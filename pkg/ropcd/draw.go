package ropcd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ropcd/ropcd/pkg/admin"
)

// drawJourney shows a journey in the form that is asked for.
func drawJourney(ctx context.Context, c *cli, in admin.JourneyRef) error {
	j, err := answer[admin.Journey](ctx, c, "journey/show", in)
	if err != nil {
		return err
	}
	switch c.output {
	case "mermaid":
		return drawMermaid(c.stdout, j)
	case "text":
		c.output = "table"
	}
	return c.show(j, func(w io.Writer) { drawText(w, j) })
}

// drawText draws a journey as a tree from its entry.
func drawText(w io.Writer, j admin.Journey) {
	pairs(w, "journey", j.Name, "realm", j.Realm, "enabled", j.Enabled, "inner_only", j.InnerOnly,
		"allow_unverified", j.Unverified, "used_by", j.UsedBy, "interactive", j.Interactive, "parameters", j.Parameters)
	fmt.Fprintln(w)
	t := tree{w: w, nodes: j.Nodes, drawn: map[string]bool{}}
	t.draw(j.Entry, "")
}

// tree is a drawing of nodes; each is drawn once.
type tree struct {
	w     io.Writer
	nodes map[string]admin.Node
	drawn map[string]bool
}

func (t tree) draw(id, indent string) {
	n, ok := t.nodes[id]
	switch {
	case !ok: // an end
		fmt.Fprintln(t.w, visible(id))
		return
	case t.drawn[id]:
		fmt.Fprintf(t.w, "%s (above)\n", visible(id))
		return
	}
	t.drawn[id] = true
	fmt.Fprintf(t.w, "%s (%s)\n", visible(id), strings.Join(about(n), ", "))
	ways := waysFrom(n)
	for i, way := range ways {
		branch, below := "├── ", "│   "
		if i == len(ways)-1 {
			branch, below = "└── ", "    "
		}
		fmt.Fprintf(t.w, "%s%s%s → ", indent, branch, visible(way.outcome))
		t.draw(way.to, indent+below)
	}
}

// about is what is to be said of a node beside its id, for people.
func about(n admin.Node) []string {
	kind := visible(n.Type)
	if len(n.Nodes) > 0 {
		kind += " of " + strings.Join(n.Nodes, " and ")
	}
	facts := []string{kind}
	if n.Inner != "" {
		facts = append(facts, "runs "+visible(n.Inner))
	}
	if n.Interactive {
		facts = append(facts, "needs its user")
	}
	return facts
}

// way is where an outcome leads.
type way struct{ outcome, to string }

// waysFrom are the ways from a node, by outcome.
func waysFrom(n admin.Node) []way {
	if n.Next != "" {
		return []way{{"next", n.Next}}
	}
	var ways []way
	for _, outcome := range slices.Sorted(maps.Keys(n.Outcomes)) {
		ways = append(ways, way{outcome, n.Outcomes[outcome]})
	}
	return ways
}

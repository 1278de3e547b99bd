package journey_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
)

type runFunc = func(ctx context.Context, s *journey.State) (string, error)

// kind is a node type made of data.
type kind struct {
	outcomes    []string
	parameters  []string
	password    bool
	seed        bool
	collects    bool
	gathers     bool
	bounds      bool
	interactive bool
	value       string // what its settings said
	verifies    []string
	inner       bool // the value is the inner journey
	run         runFunc
	env         journey.Env
}

func (k *kind) Outcomes() []string                 { return k.outcomes }
func (k *kind) Parameters() []string               { return k.parameters }
func (k *kind) ReadsPassword() bool                { return k.password }
func (k *kind) ReadsSeed() bool                    { return k.seed }
func (k *kind) Verifies() []string                 { return k.verifies }
func (k *kind) Collects() bool                     { return k.collects }
func (k *kind) Gathers() (username, password bool) { return k.gathers, k.gathers }
func (k *kind) BoundsLoop() bool                   { return k.bounds }
func (k *kind) Interactive() bool                  { return k.interactive }
func (k *kind) InnerJourney() (name, success string) {
	if k.inner {
		return k.value, "yes"
	}
	return "", ""
}

func (k *kind) Open(env journey.Env) (journey.Node, error) {
	if k.value == "invalid" {
		return nil, errors.New("value: must be valid")
	}
	k.env = env
	return k, nil
}

func (k *kind) Run(ctx context.Context, s *journey.State) (string, error) {
	switch {
	case k.inner:
		ok, err := k.env.Inner(k.value).RunInner(ctx, s)
		if k.run != nil {
			return k.run(ctx, s)
		}
		return map[bool]string{true: "yes", false: "no"}[ok], err
	case k.run == nil:
		return k.outcomes[0], nil
	}
	return k.run(ctx, s)
}

// pageKind is a page that runs its collectors.
type pageKind struct{ kind }

func (p *pageKind) OpenPage(_ journey.Env, collectors []journey.Node) (journey.Node, error) {
	p.run = func(ctx context.Context, s *journey.State) (string, error) {
		for _, c := range collectors {
			if _, err := c.Run(ctx, s); err != nil {
				return "", err
			}
		}
		return "outcome", nil
	}
	return &p.kind, nil
}

// kinds is the table of the tests: every type is there for one thing.
func kinds(runs map[string]runFunc) journey.Types {
	one, two := []string{"outcome"}, []string{"yes", "no"}
	table := map[string]kind{
		"Pass":     {outcomes: one},
		"Ask":      {outcomes: two},
		"Collect":  {outcomes: one, collects: true, gathers: true, run: collect},
		"Check":    {outcomes: two, password: true, verifies: []string{"yes"}, run: check},
		"Totp":     {outcomes: two, seed: true, parameters: []string{"code"}},
		"Code":     {outcomes: two, parameters: []string{"code", "hint"}},
		"Steal":    {outcomes: one, parameters: []string{"password"}},
		"Limit":    {outcomes: two, bounds: true},
		"Inner":    {outcomes: two, inner: true},
		"Choose":   {interactive: true},
		"Nowhere":  {},
		"CodePage": {outcomes: one, collects: true, parameters: []string{"page"}},
	}
	types := journey.Types{"Page": func() journey.Settings { return &pageKind{kind{outcomes: one}} }}
	for name, k := range table {
		if run, ok := runs[name]; ok {
			k.run = run
		}
		types[name] = func() journey.Settings { c := k; return &c }
	}
	return types
}

func collect(_ context.Context, s *journey.State) (string, error) {
	s.CollectUsername()
	s.CollectPassword()
	return "outcome", nil
}

func check(ctx context.Context, s *journey.State) (string, error) {
	ok, err := s.Verify(ctx)
	return map[bool]string{true: "yes", false: "no"}[ok], err
}

// parse reads journeys as the tests write them: a line for a journey, then an indented one for each of its nodes.
//
//	main entry=a [off] [inner] [strict]
//	  a Type [outcome=target ...] [next=target] [settings=value] [nodes=Type,Type:value]
//
// Most tests are not about credentials: only a strict journey has to verify one.
func parse(t testing.TB, text string) map[string]journey.Definition {
	t.Helper()
	defs := map[string]journey.Definition{}
	name := ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case line[0] != ' ' && line[0] != '\t':
			name = words[0]
			def := journey.Definition{Enabled: true, AllowUnverified: true, Nodes: map[string]journey.NodeDefinition{}}
			for _, word := range words[1:] {
				switch key, value, _ := strings.Cut(word, "="); key {
				case "entry":
					def.Entry = value
				case "off":
					def.Enabled = false
				case "inner":
					def.InnerOnly = true
				case "strict":
					def.AllowUnverified = false
				default:
					t.Fatalf("what is %q?", word)
				}
			}
			defs[name] = def
		default:
			defs[name].Nodes[strings.Trim(words[0], "_")] = parseNode(words[1:])
		}
	}
	return defs
}

func parseNode(words []string) journey.NodeDefinition {
	def := journey.NodeDefinition{Outcomes: map[string]string{}}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case !ok:
			def.Type = word
		case key == "next":
			def.Next = value
		case key == "settings":
			def.Settings = settings(value)
		case key == "nodes":
			for c := range strings.SplitSeq(value, ",") {
				kind, value, given := strings.Cut(c, ":")
				child := journey.NodeDefinition{Type: kind}
				switch {
				case value == "next":
					child.Next = "success"
				case given:
					child.Settings = settings(value)
				}
				def.Nodes = append(def.Nodes, child)
			}
		default:
			def.Outcomes[key] = value
		}
	}
	return def
}

func settings(value string) func(any) error {
	return func(into any) error {
		if value == "undecodable" {
			return errors.New("unknown key")
		}
		switch k := into.(type) {
		case *kind:
			k.value = value
		case *pageKind:
			k.value = value
		case *named:
		default:
			return fmt.Errorf("a test with %T", into)
		}
		return nil
	}
}

// builds is journey.Build without warnings, which have tests of their own.
func builds(defs map[string]journey.Definition, types journey.Types, env journey.Env) (*journey.Set, []journey.Problem) {
	set, problems := journey.Build(defs, types, env)
	return set, slices.DeleteFunc(problems, func(p journey.Problem) bool {
		return p.Warning
	})
}

// build builds journeys that must have no problem.
func build(t testing.TB, text string, runs map[string]runFunc) *journey.Set {
	t.Helper()
	set, problems := builds(parse(t, text), kinds(runs), journey.Env{})
	if len(problems) > 0 {
		t.Fatalf("problems: %+v", problems)
	}
	return set
}

func mainOf(t testing.TB, set *journey.Set) *journey.Journey {
	t.Helper()
	j, ok := set.Journey("main")
	if !ok {
		t.Fatal("there is no journey main")
	}
	return j
}

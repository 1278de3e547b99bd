package nodes

import (
	"context"
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// InnerTreeEvaluator runs another journey of the realm as a part of this one.
type InnerTreeEvaluator struct {
	// Tree is the name of the journey. It must be enabled, and may be inner-only.
	Tree string `yaml:"tree" reference:"required"`
}

// Outcomes are "true" (the inner journey led to success) and "false" (to failure).
func (*InnerTreeEvaluator) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// InnerJourney is the tree, whose success is "true".
func (e *InnerTreeEvaluator) InnerJourney() (name, success string) { return e.Tree, outcomeTrue }

// Open fails without a tree.
func (e *InnerTreeEvaluator) Open(env journey.Env) (journey.Node, error) {
	if e.Tree == "" {
		return nil, errors.New("tree: name the journey to run")
	}
	return innerTree{name: e.Tree, find: env.Inner}, nil
}

type innerTree struct {
	name string
	find func(name string) *journey.Journey
}

func (t innerTree) Run(ctx context.Context, s *journey.State) (string, error) {
	inner := t.find(t.name)
	if inner == nil {
		return "", fmt.Errorf("there is no journey %q", t.name)
	}
	success, err := inner.RunInner(ctx, s)
	if err != nil {
		return "", err
	}
	return decision(success), nil
}

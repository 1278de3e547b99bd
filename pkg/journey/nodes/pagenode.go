package nodes

import (
	"context"
	"errors"

	"github.com/ropcd/ropcd/pkg/journey"
)

// PageNode runs the collectors that are listed below its `nodes`, in order.
type PageNode struct{}

// Outcomes is "outcome" alone.
func (*PageNode) Outcomes() []string { return []string{outcomeOnly} }

// Open fails: a page is opened with its collectors.
func (*PageNode) Open(journey.Env) (journey.Node, error) {
	return nil, errors.New("a page needs its collectors")
}

// OpenPage never fails.
func (*PageNode) OpenPage(_ journey.Env, collectors []journey.Node) (journey.Node, error) {
	return page(collectors), nil
}

type page []journey.Node

func (p page) Run(ctx context.Context, s *journey.State) (string, error) {
	for _, collector := range p {
		if _, err := collector.Run(ctx, s); err != nil {
			return "", err
		}
	}
	return outcomeOnly, nil
}

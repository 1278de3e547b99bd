package nodes

import (
	"context"
	"slices"

	"github.com/ropcd/ropcd/pkg/journey"
)

// ClientDecision asks whether the client that requests the token is one of a list. A client that may use the grant but
// not the journey at all is better kept out by its own `allowed_journeys`.
type ClientDecision struct {
	// Clients are the ids, compared with case. Whether there are such clients is not checked: they come and go.
	Clients []string `yaml:"clients" reference:"required"`
}

// Outcomes are "true" (listed) and "false" (any other client, and none).
func (*ClientDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// Open fails without clients, and for an empty id.
func (d *ClientDecision) Open(journey.Env) (journey.Node, error) {
	if err := checkList("clients", d.Clients); err != nil {
		return nil, err
	}
	return clientIn(slices.Clone(d.Clients)), nil
}

type clientIn []string

func (c clientIn) Run(_ context.Context, s *journey.State) (string, error) {
	client := s.Client()
	return decision(client != nil && slices.Contains(c, client.ID)), nil
}

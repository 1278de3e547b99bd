package nodes

import (
	"context"
	"errors"
	"slices"

	"github.com/ropcd/ropcd/pkg/journey"
)

// AttributeDecision looks at an attribute of the resource owner. It is the record's, or what an outside source that said yes
// before has told. The node does not compare a password, nor ask whether the owner may log in.
type AttributeDecision struct {
	// Attribute is the attribute's name, compared with case.
	Attribute string `yaml:"attribute" reference:"required"`
	// Values are the attribute's values that decide for "true", compared with case. Either they or `present` must be given.
	Values []string `yaml:"values"`
	// Present, instead of `values`, decides for "true" with any value that is not empty.
	Present bool `yaml:"present"`
}

// Outcomes are "true" (one of the values, or present) and "false" (also if there is no such owner).
func (*AttributeDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// Open fails without an attribute, with an empty value, and unless there are either values or present.
func (d *AttributeDecision) Open(journey.Env) (journey.Node, error) {
	switch {
	case d.Attribute == "":
		return nil, errors.New("attribute: name the one to look at")
	case d.Present && len(d.Values) > 0:
		return nil, errors.New("`values` and `present` exclude each other")
	case d.Present:
		return attribute{name: d.Attribute}, nil
	case len(d.Values) == 0:
		return nil, errors.New("values: list at least one, or say `present: true`")
	}
	if err := checkList("values", d.Values); err != nil {
		return nil, err
	}
	return attribute{name: d.Attribute, values: slices.Clone(d.Values)}, nil
}

type attribute struct {
	name   string
	values []string // nil: any
}

func (a attribute) Run(_ context.Context, s *journey.State) (string, error) {
	value := s.Attributes()[a.name]
	if value == "" && s.User() == nil {
		s.SetReason(journey.ReasonUnknownUser)
	}
	return decision(value != "" && (a.values == nil || slices.Contains(a.values, value))), nil
}

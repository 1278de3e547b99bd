package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

// BadgeDecision is a node type of one's own: it compares a request parameter with an attribute of the owner.
type BadgeDecision struct {
	// Attribute is the owner's attribute that holds the number of the badge.
	Attribute string `yaml:"attribute"`
}

func (*BadgeDecision) Outcomes() []string   { return []string{"true", "false"} }
func (*BadgeDecision) Parameters() []string { return []string{"badge"} }

func (d *BadgeDecision) Open(journey.Env) (journey.Node, error) {
	if d.Attribute == "" {
		return nil, errors.New("attribute: name the one that holds the badge")
	}
	return d, nil
}

func (d *BadgeDecision) Run(_ context.Context, s *journey.State) (string, error) {
	badge, ok := s.Parameter("badge")
	if user := s.User(); ok && user != nil && user.Attributes[d.Attribute] == badge {
		s.SetAuthLevel(2)
		return "true", nil
	}
	return "false", nil
}

// A node from outside: one line in a copy of the table.
func Example() {
	types := nodes.Table()
	types["BadgeDecision"] = func() journey.Settings { return &BadgeDecision{Attribute: "badge"} }

	set, problems := journey.Build(map[string]journey.Definition{
		"WithBadge": {
			Enabled: true,
			Entry:   "collect",
			Nodes: map[string]journey.NodeDefinition{
				"collect": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "check", "no_credentials": "failure"}},
				"check":   {Type: "DataStoreDecision", Outcomes: map[string]string{"true": "badge", "false": "failure"}},
				"badge":   {Type: "BadgeDecision", Outcomes: map[string]string{"true": "success", "false": "failure"}},
			},
		},
	}, types, journey.Env{})
	fmt.Println("problems:", len(problems), "parameters:", set.Parameters())

	j, rule, err := set.Choose("", "WithBadge", "", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, badge := range []string{"4711", "0815"} {
		result, err := j.Run(context.Background(), journey.Input{
			Username:   "demo",
			Password:   "secret",
			Parameters: url.Values{"badge": {badge}},
			User:       &realm.User{Username: "demo", Enabled: true, Attributes: map[string]string{"badge": "4711"}},
			Verify:     func(context.Context, string) (bool, error) { return true, nil }, // compares hashes, in earnest
		})
		fmt.Println(rule, result.Success, result.AuthLevel, result.Reason, err)
	}
	// Output:
	// problems: 0 parameters: [badge]
	// provider true 2  <nil>
	// provider false 0 journey_failed <nil>
}

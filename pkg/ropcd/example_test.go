package ropcd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/ropcd"
)

// BadgeDecision compares the number on a badge, which the request sends as "badge", with an attribute of the owner. Its
// fields are the node's settings.
type BadgeDecision struct {
	Attribute string `yaml:"attribute"`
}

// Outcomes are what a journey has to connect.
func (*BadgeDecision) Outcomes() []string { return []string{"true", "false"} }

// Parameters are what the node may read of the request: nothing else is open to it.
func (*BadgeDecision) Parameters() []string { return []string{"badge"} }

// Open checks the settings. What it returns tells the operator, with the line of config.yaml.
func (d *BadgeDecision) Open(journey.Env) (journey.Node, error) {
	if d.Attribute == "" {
		return nil, errors.New("name the attribute that holds the badge")
	}
	return d, nil
}

// Run decides.
func (d *BadgeDecision) Run(_ context.Context, s *journey.State) (string, error) {
	badge, sent := s.Parameter("badge")
	if user := s.User(); sent && user != nil && user.Attributes[d.Attribute] == badge {
		s.SetAuthLevel(2)
		return "true", nil
	}
	return "false", nil
}

const withBadge = `
realms:
  alpha:
    oauth2_provider: {password_grant_authentication_service: WithBadge}
    journeys:
      WithBadge:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check:   {type: DataStoreDecision, outcomes: {true: badge, false: failure}}
          badge:   {type: BadgeDecision, settings: {attribute: badge}, outcomes: {true: success, false: failure}}
`

// A server of one's own: main is one call of [ropcd.Main] with what is added. Here [ropcd.Run] checks a configuration
// that uses the node, with the server and without.
func Example() {
	own := ropcd.Options{Nodes: journey.Types{
		"BadgeDecision": func() journey.Settings { return new(BadgeDecision) },
	}}
	// func main() { ropcd.Main(own) }

	dir, err := os.MkdirTemp("", "ropcd")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(withBadge), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	for _, server := range []ropcd.Options{own, {}} {
		status := ropcd.Run(context.Background(), server, []string{"config", "check", "--config", path}, nil, io.Discard, io.Discard)
		fmt.Println("exit status", status)
	}
	// Output:
	// exit status 0
	// exit status 2
}

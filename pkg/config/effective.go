package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/realm"
	"go.yaml.in/yaml/v3"
)

// Effective is the configuration as YAML with every key: absolute paths, defaults filled in, variables expanded. Hashes
// are redacted, passwords and codes of journey_tests are not: they are made up. The settings of nodes are as they were written, but
// for what is named like a secret. It can be loaded again, where no client has a secret_hash.
func Effective(c *Config) ([]byte, error) {
	f := file{
		Server: c.Server, Admin: c.Admin, Ops: c.Ops, Storage: c.Storage, Secrets: c.Secrets,
		PasswordHashing: c.PasswordHashing, Log: c.Log, Audit: c.Audit, Realms: map[string]realmSection{},
	}
	for _, r := range c.Realms {
		section := c.sections[r.Path.Key()]
		section.Issuer, section.Aliases = r.Issuer, r.Aliases
		f.Realms[realmName(r.Path)] = section
	}
	return strict.Encode(f)
}

// EffectiveJSON is [Effective] as JSON.
func EffectiveJSON(c *Config) ([]byte, error) {
	text, err := Effective(c)
	if err != nil {
		return nil, err
	}
	var v map[string]any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("effective configuration: %w", err)
	}
	return json.MarshalIndent(v, "", "  ")
}

// realmName is how a realm is called in the file.
func realmName(path realm.Path) string {
	if path == realm.Root {
		return "root"
	}
	return strings.TrimPrefix(string(path), "/")
}

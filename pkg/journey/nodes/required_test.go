package nodes_test

import (
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

// fewest are the settings without which a node type does not open, with a value each. The others need none.
var fewest = map[string]map[string]string{
	"LDAPDecision":           {"urls": `["ldaps://example.org"]`, "base": `"dc=example"`},
	"HTTPDecision":           {"url": `"https://example.org/check"`, "secret_file": "secret"},
	"PasswordExpiryDecision": {"max_age": "24h"},
	"AttributeDecision":      {"attribute": "mail"},
	"ClientDecision":         {"clients": "[a]"},
	"ScopeDecision":          {"scopes": "[a]"},
	"NetworkDecision":        {"networks": "[10.0.0.0/8]"},
	"AuthLevelDecision":      {"level": "1"},
	"LoginCountDecision":     {"amount": "1"},
	"ScriptedDecision":       {"expression": "owner.exists"},
	"InnerTreeEvaluator":     {"tree": "sub"},
	"SetSessionProperties":   {"properties": "{a: b}"},
}

// oneOf are settings of which one has to be given, so that none is required.
var oneOf = map[string]string{"AttributeDecision": "present: true", "ModifyAuthLevel": "set: 1"}

// open opens a node of that type with those settings.
func open(kind string, settings map[string]string) error {
	pairs := []string{}
	for name, value := range settings {
		pairs = append(pairs, name+": "+value)
	}
	if one, ok := oneOf[kind]; ok {
		pairs = append(pairs, one)
	}
	s := nodes.Table()[kind]()
	if err := (node{Settings: "{" + strings.Join(pairs, ", ") + "}"}).definition().Settings(s); err != nil {
		return err
	}
	opened, err := s.Open(filesOf(map[string]string{"secret": strings.Repeat("x", 32)}))
	if c, ok := opened.(io.Closer); ok {
		_ = c.Close()
	}
	return err
}

// required are the settings that are said to be so.
func required(s journey.Settings) []string {
	var names []string
	t := reflect.TypeOf(s).Elem()
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("reference") == "required" {
			names = append(names, f.Tag.Get("yaml"))
		}
	}
	slices.Sort(names)
	return names
}

func TestRequiredSettingsAreThoseThatOpenWants(t *testing.T) {
	for kind, factory := range nodes.Table() {
		if i, ok := factory().(journey.Interactive); kind == "PageNode" || (ok && i.Interactive()) {
			continue // none can be opened alone
		}
		settings := fewest[kind]
		if diff := cmp.Diff(slices.Sorted(maps.Keys(settings)), required(factory())); diff != "" {
			t.Errorf("%s: required (-want +got):\n%s", kind, diff)
		}
		if err := open(kind, settings); err != nil {
			t.Errorf("%s wants more: %v", kind, err)
		}
		for name := range settings {
			rest := maps.Clone(settings)
			delete(rest, name)
			if err := open(kind, rest); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s without %s: %v", kind, name, err)
			}
		}
	}
}

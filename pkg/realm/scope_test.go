package realm_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropcd/ropcd/pkg/realm"
)

func TestSplitScope(t *testing.T) {
	for parameter, want := range map[string][]string{
		"": nil, "   ": nil, "read": {"read"}, "write read": {"write", "read"}, "  a   b ": {"a", "b"},
		"a b a": {"a", "b"}, "a A": {"a", "A"}, "a\tb": {"a\tb"}, "\ta \n": {"a"},
	} {
		if diff := cmp.Diff(want, realm.SplitScope(parameter)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", parameter, diff)
		}
	}
}

// scopes are s0 to s(n-1).
func scopes(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("s%d", i))
	}
	return list
}

func TestScopeRule(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rule  realm.ScopeRule
		asked []string
		want  []string
		err   error
	}{
		{"as asked", realm.ScopeRule{Allowed: []string{"r", "w"}}, []string{"w", "r"}, []string{"w", "r"}, nil},
		{"one too many", realm.ScopeRule{Allowed: []string{"r", "w"}}, []string{"r", "x"}, nil, realm.ErrUnknownScope},
		{"with case", realm.ScopeRule{Allowed: []string{"r"}}, []string{"R"}, nil, realm.ErrUnknownScope},
		{"as many as may be", realm.ScopeRule{Allowed: scopes(64)}, scopes(64), scopes(64), nil},
		{"more than may be", realm.ScopeRule{Allowed: scopes(65)}, scopes(65), nil, realm.ErrUnknownScope},
		{"the client's defaults", realm.ScopeRule{[]string{"r", "w"}, []string{"w"}, []string{"r"}}, nil, []string{"w"}, nil},
		{"the realm's defaults", realm.ScopeRule{[]string{"r", "w"}, nil, []string{"r", "x", "r"}}, nil, []string{"r"}, nil},
		{"lost defaults of the client", realm.ScopeRule{[]string{"r"}, []string{"x"}, []string{"r"}}, nil, nil, realm.ErrNoScope},
		{"no defaults", realm.ScopeRule{Allowed: []string{"r"}}, nil, nil, realm.ErrNoScope},
		{"too many defaults", realm.ScopeRule{Allowed: scopes(65), RealmDefaults: scopes(65)}, nil, nil, realm.ErrNoScope},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.rule.Grant(tc.asked)
			if !errors.Is(err, tc.err) {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
		})
	}
}

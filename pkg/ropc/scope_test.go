package ropc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// many are the scopes s0 to s(n-1).
func many(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("s%d", i))
	}
	return list
}

func TestScope(t *testing.T) {
	for _, tc := range []struct {
		name                    string
		asked                   string
		allowed, client, realms []string // the client's, its defaults, the realm's defaults
		want                    []string
		refusal                 *fosite.RFC6749Error
	}{
		{"as asked", "write read", []string{"read", "write"}, nil, nil, []string{"write", "read"}, nil},
		{"runs of spaces", "  write   read ", []string{"read", "write"}, nil, nil, []string{"write", "read"}, nil},
		{"repeated", "read write read", []string{"read", "write"}, nil, nil, []string{"read", "write"}, nil},
		{"one that is not the client's", "read admin", []string{"read", "write"}, nil, nil, nil, ropc.ErrUnknownScope},
		{"with case", "Read", []string{"read"}, nil, nil, nil, ropc.ErrUnknownScope},
		{"a part of one", "rea", []string{"read"}, nil, nil, nil, ropc.ErrUnknownScope},
		{"no hierarchy", "read.mail", []string{"read"}, nil, nil, nil, ropc.ErrUnknownScope},
		{"no wildcard", "read", []string{"*"}, nil, nil, nil, ropc.ErrUnknownScope},
		{"a tab is no separator", "read\twrite", []string{"read", "write"}, nil, nil, nil, ropc.ErrUnknownScope},
		{"a client without any", "read", nil, nil, []string{"read"}, nil, ropc.ErrUnknownScope},
		{"64", strings.Join(many(64), " "), many(64), nil, nil, many(64), nil},
		{"65", strings.Join(many(65), " "), many(65), nil, nil, nil, ropc.ErrUnknownScope},
		{"65 with one twice", strings.Join(many(64), " ") + " s0", many(64), nil, nil, many(64), nil},
		{"the client's defaults", "", []string{"read", "write"}, []string{"write"}, []string{"read"}, []string{"write"}, nil},
		{"the realm's defaults", "", []string{"read", "write"}, nil, []string{"read"}, []string{"read"}, nil},
		{"spaces are nothing asked", "   ", []string{"read"}, []string{"read"}, nil, []string{"read"}, nil},
		{"the client's defaults are limited", "", []string{"read"}, []string{"admin", "read"}, nil, []string{"read"}, nil},
		{"the realm's defaults are limited", "", []string{"read"}, nil, []string{"admin", "read", "read"}, []string{"read"}, nil},
		{"the realm's do not stand in for lost ones", "", []string{"read"}, []string{"admin"}, []string{"read"}, nil, ropc.ErrNoScope},
		{"no default", "", []string{"read"}, nil, nil, nil, ropc.ErrNoScope},
		{"none of the defaults", "", []string{"read"}, nil, []string{"admin"}, nil, ropc.ErrNoScope},
		{"64 defaults, one of them twice", "", many(64), append(many(64), "s0"), nil, many(64), nil},
		{"more defaults than a grant holds", "", many(65), many(65), nil, nil, ropc.ErrNoScope},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost()
			h.client = ropc.Client{Client: &realm.Client{GrantTypes: []string{"password"}, Scopes: tc.allowed, DefaultScopes: tc.client}}
			h.site = &ropc.Site{Realm: &ropc.Realm{Realm: &realm.Realm{
				Path: "/alpha", Provider: &realm.Provider{GrantTypes: []string{"password"}, DefaultScopes: tc.realms},
			}}}
			x, err := h.ask(t, passwordForm("scope", tc.asked))
			if tc.refusal != nil {
				refused(t, "scope", err, tc.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, []string(x.requester.GetGrantedScopes())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A host without realms has no defaults but those of a client that brings them.
func TestScopeOfAStockClient(t *testing.T) {
	_, err := newHost().ask(t, passwordForm("scope", ""))
	refused(t, "no scope", err, ropc.ErrNoScope)
}

// fosite splits the parameter before the handler sees it; tests of journeys split it themselves.
func TestScopeIsSplitAsFositeDoesIt(t *testing.T) {
	for _, asked := range []string{
		"", " ", "read", "write read", "  write   read ", "read write read", "read\twrite", "\tread\u00a0 write\n", "\u2003 read",
	} {
		h := newHost()
		h.client = &fosite.DefaultClient{GrantTypes: []string{"password"}, Scopes: []string{"read", "write", "read\twrite"}}
		x, err := h.ask(t, passwordForm("scope", asked))
		want := realm.SplitScope(asked)
		if len(want) == 0 {
			refused(t, asked, err, ropc.ErrNoScope)
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", asked, err)
			continue
		}
		if diff := cmp.Diff(want, []string(x.requester.GetGrantedScopes())); diff != "" {
			t.Errorf("%q (-split +fosite):\n%s", asked, diff)
		}
	}
}

package ropc_test

import (
	"strings"
	"testing"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/ropc"
)

func TestRefreshScope(t *testing.T) {
	s := newSite(t)
	login := s.demo(t) // read write
	for _, tc := range []struct {
		name, asked string
		client      []string
		want        string
		refusal     *fosite.RFC6749Error
	}{
		{"nothing asked", "", []string{"read", "write", "mail"}, "read write", nil},
		{"narrower", "write", []string{"read", "write"}, "write", nil},
		{"the whole again", "", []string{"read", "write"}, "read write", nil},
		{"in the order asked", "write read", []string{"read", "write"}, "write read", nil},
		{"repeated", "write  read write", []string{"read", "write"}, "write read", nil},
		{"wider, though the client may", "read mail", []string{"read", "write", "mail"}, "", ropc.ErrUnknownScope},
		{"in other case", "Read", []string{"read", "write"}, "", ropc.ErrUnknownScope},
		{"more than a grant can have", strings.Join(many(65), " "), []string{"read", "write"}, "", ropc.ErrUnknownScope},
		{"one that the client has lost", "", []string{"write"}, "write", nil},
		{"one that was asked and is lost", "read write", []string{"write"}, "write", nil},
		{"none left", "", []string{"mail"}, "", ropc.ErrUnknownScope},
		{"none left of those asked", "read", []string{"write"}, "", ropc.ErrUnknownScope},
		{"given back", "", []string{"read", "write"}, "read write", nil},
	} {
		s.client.Scopes = tc.client
		got, err := s.refresh(t, login.refresh, tc.asked)
		if tc.refusal != nil { // and the token is as good as before
			refused(t, tc.name, err, tc.refusal)
			if got.trace.Reason != audit.Scope {
				t.Errorf("%s: reason %q", tc.name, got.trace.Reason)
			}
			continue
		}
		if err != nil || got.scope != tc.want || got.refresh == "" {
			t.Errorf("%s: scope %q, error %v", tc.name, got.scope, err)
		}
		if err == nil {
			login = got
		}
	}
}

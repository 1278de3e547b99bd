package admin_test

import (
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/admin"
)

func TestPublicClientIsNeverTrustedWithAddresses(t *testing.T) {
	s := newServer(t)
	ref := admin.ClientRef{InRealm: admin.InRealm{Realm: "alpha"}, ID: "app"}
	header := "X-End-User-IP"
	trusted := admin.NewClient{ClientRef: ref, Public: true, ClientSettings: admin.ClientSettings{TrustEndUserIP: header}}
	if text := s.refused(admin.CodeInvalid, "client/create", trusted); !strings.Contains(text, "public client") {
		t.Errorf("create: %s", text)
	}
	do[admin.ClientAnswer](s, "client/create", admin.NewClient{ClientRef: ref, Public: true})
	if text := s.refused(admin.CodeInvalid, "client/update", admin.ClientChange{ClientRef: ref, TrustEndUserIP: &header}); !strings.Contains(text, "public client") {
		t.Errorf("update: %s", text)
	}
}

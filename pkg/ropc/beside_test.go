package ropc_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	fositestorage "github.com/ory/fosite/storage"

	"github.com/ropcd/ropcd/pkg/ropc"
)

// grants is a handler of another grant, which notes what it is asked.
type grants struct {
	fosite.TokenEndpointHandler
	name string
}

func (g grants) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(g.name)
}
func (g grants) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }
func (g grants) HandleTokenEndpointRequest(context.Context, fosite.AccessRequester) error {
	return nil
}
func (g grants) PopulateTokenEndpointResponse(_ context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	if !r.GetGrantTypes().ExactOne(g.name) {
		return fosite.ErrUnknownRequest
	}
	w.SetAccessToken("of " + g.name)
	w.SetTokenType("Bearer")
	return nil
}

// fosite calls every handler's Populate: ours must leave other grants alone.
func TestHandlerLeavesOtherGrantsAlone(t *testing.T) {
	for _, grantType := range []string{"client_credentials", "refresh_token", "Password"} {
		h := newHost()
		h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) { panic("asked") }
		h.issue = func(context.Context, fosite.AccessRequester, fosite.AccessResponder) error { panic("asked") }
		if _, err := h.ask(t, passwordForm("grant_type", grantType)); !errors.Is(err, fosite.ErrInvalidRequest) {
			t.Errorf("%s alone: %v", grantType, err)
		}
		h.others = []fosite.TokenEndpointHandler{grants{name: grantType}}
		x, err := h.ask(t, passwordForm("grant_type", grantType))
		if err != nil || x.response.GetAccessToken() != "of "+grantType {
			t.Errorf("%s: %v", grantType, err)
			continue
		}
		for _, ours := range []fosite.TokenEndpointHandler{&ropc.Handler{}, &ropc.RefreshHandler{}} {
			if ours.CanHandleTokenEndpointRequest(t.Context(), x.requester) {
				continue
			}
			if err := ours.HandleTokenEndpointRequest(t.Context(), x.requester); !errors.Is(err, fosite.ErrUnknownRequest) {
				t.Errorf("%T handles %s: %v", ours, grantType, err)
			}
			if err := ours.PopulateTokenEndpointResponse(t.Context(), x.requester, nil); !errors.Is(err, fosite.ErrUnknownRequest) {
				t.Errorf("%T populates %s: %v", ours, grantType, err)
			}
		}
	}
}

func TestTwoGrantTypesAreNone(t *testing.T) {
	if _, err := newHost().ask(t, passwordForm("grant_type", "password refresh_token")); !errors.Is(err, fosite.ErrInvalidRequest) {
		t.Errorf("error %v", err)
	}
}

// Beside fosite's own password handler nothing is served, whichever comes first: who comes second finds no password.
func TestBesideFositesOwnHandlerNothingIsServed(t *testing.T) {
	store := fositestorage.NewExampleStore()
	config := &fosite.Config{GlobalSecret: make([]byte, 32)}
	own, ok := compose.OAuth2ResourceOwnerPasswordCredentialsFactory(config, store, compose.NewOAuth2HMACStrategy(config)).(fosite.TokenEndpointHandler) //nolint:staticcheck // deprecated to discourage the grant
	if !ok {
		t.Fatal("fosite's handler is none")
	}
	for name, h := range map[string]*host{"first": newHost(), "last": newHost()} {
		h.issue = func(context.Context, fosite.AccessRequester, fosite.AccessResponder) error { panic("issued") }
		if name == "first" {
			h.first = []fosite.TokenEndpointHandler{own}
		} else {
			h.others = []fosite.TokenEndpointHandler{own}
		}
		x, err := h.ask(t, passwordForm("username", "peter", "password", "secret"))
		if err == nil || x.response != nil || fosite.ErrorToRFC6749Error(err).CodeField != http.StatusBadRequest {
			t.Errorf("fosite's handler %s: %v", name, err)
		}
	}
}

package ropc_test

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"

	"github.com/ropcd/ropcd/pkg/ropc"
)

// employees is an Authenticator of your own: who is who, in a map. A real one compares a password hash, and does the same
// work for a name that it doesn't know.
type employees map[string][sha256.Size]byte

func (e employees) Authenticate(_ context.Context, r ropc.Request) (ropc.Result, error) {
	given, want := sha256.Sum256([]byte(r.Password)), e[r.Username]
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return ropc.Result{Denied: "wrong_password"}, nil // a "no" is a value; an error would be a fault
	}
	return ropc.Result{Subject: "employee-" + r.Username, Username: r.Username, AuthTime: time.Now()}, nil
}

// fositeTokens is an Issuer of your own: fosite's token strategy and its storage.
type fositeTokens struct {
	strategy oauth2.CoreStrategy
	store    *storage.MemoryStore
}

func (f fositeTokens) Issue(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	access, accessSignature, err := f.strategy.GenerateAccessToken(ctx, r)
	if err != nil {
		return fmt.Errorf("make access token: %w", err)
	}
	refresh, refreshSignature, err := f.strategy.GenerateRefreshToken(ctx, r)
	if err != nil {
		return fmt.Errorf("make refresh token: %w", err)
	}
	r.GetSession().SetExpiresAt(fosite.AccessToken, time.Now().Add(time.Hour))
	// What is stored has no password in it: the handler took it out of the form before anything else.
	if err := f.store.CreateAccessTokenSession(ctx, accessSignature, r.Sanitize(nil)); err != nil {
		return fmt.Errorf("store access token: %w", err)
	}
	if err := f.store.CreateRefreshTokenSession(ctx, refreshSignature, accessSignature, r.Sanitize(nil)); err != nil {
		return fmt.Errorf("store refresh token: %w", err)
	}
	w.SetAccessToken(access)
	w.SetTokenType("bearer")
	w.SetExpiresIn(time.Hour)
	w.SetScopes(r.GetGrantedScopes())
	w.SetExtra("refresh_token", refresh)
	return nil
}

// The password grant in a fosite server of your own, with your own users and fosite's own tokens. The handler takes the
// place of fosite's: never put both into the list.
func ExampleHandler() {
	store := storage.NewMemoryStore()
	secret, _ := bcrypt.GenerateFromPassword([]byte("client-secret"), bcrypt.MinCost)
	store.Clients["app"] = &fosite.DefaultClient{ID: "app", Secret: secret, GrantTypes: []string{"password"}, Scopes: []string{"photos"}}

	config := &fosite.Config{GlobalSecret: []byte("a secret of at least 32 bytes, of your own")}
	config.TokenEndpointHandlers = fosite.TokenEndpointHandlers{&ropc.Handler{
		Authenticator: employees{"ada": sha256.Sum256([]byte("lovelace"))},
		Issuer:        fositeTokens{compose.NewOAuth2HMACStrategy(config), store},
	}}
	provider := fosite.NewOAuth2Provider(store, config)

	tokenEndpoint := func(w http.ResponseWriter, r *http.Request) {
		request, err := provider.NewAccessRequest(r.Context(), r, &fosite.DefaultSession{})
		if err != nil {
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		response, err := provider.NewAccessResponse(r.Context(), request)
		if err != nil {
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		provider.WriteAccessResponse(r.Context(), w, request, response)
	}

	for _, password := range []string{"lovelace", "babbage"} {
		form := url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {password}, "scope": {"photos"}}
		r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("app", "client-secret")
		w := httptest.NewRecorder()
		tokenEndpoint(w, r)

		var answer struct {
			AccessToken string `json:"access_token"`
			Scope       string `json:"scope"`
			Error       string `json:"error"`
		}
		_ = json.Unmarshal(w.Body.Bytes(), &answer)
		fmt.Printf("%d token=%v scope=%q error=%q\n", w.Code, answer.AccessToken != "", answer.Scope, answer.Error)
	}
	// Output:
	// 200 token=true scope="photos" error=""
	// 400 token=false scope="" error="invalid_grant"
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// handlers are token endpoint handlers on fosite's core, with a store that does nothing: what remains is theirs.
type handlers struct {
	core    fosite.OAuth2Provider
	session func() fosite.Session
	context context.Context //nolint:containedctx // of every request
	forms   map[string]url.Values
}

// The grants that are compared.
const (
	passwordGrant = "password grant"
	refreshGrant  = "refresh"
)

// serve is one request through the token endpoint.
func (h *handlers) serve(grant string) error {
	r, err := http.NewRequestWithContext(h.context, http.MethodPost, "http://127.0.0.1/token", strings.NewReader(h.forms[grant].Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request, err := h.core.NewAccessRequest(h.context, r, h.session())
	if err != nil {
		return err
	}
	response, err := h.core.NewAccessResponse(h.context, request)
	if err != nil {
		return err
	}
	if response.GetAccessToken() == "" || response.GetExtra("refresh_token") == "" {
		return errNoToken
	}
	return nil
}

func forms(refreshToken string) map[string]url.Values {
	login := loginForm(1)
	login.Set("scope", "offline")
	return map[string]url.Values{
		passwordGrant: login, refreshGrant: {"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}},
	}
}

func authenticated(c fosite.Client) fosite.ClientAuthenticationStrategy {
	return func(context.Context, *http.Request, url.Values) (fosite.Client, error) { return c, nil }
}

// stockHandlers are fosite's own.
func stockHandlers() (*handlers, error) {
	client := &fosite.DefaultClient{ID: backEnd, GrantTypes: []string{"password", "refresh_token"}, Scopes: []string{"offline"}}
	config := &fosite.Config{
		GlobalSecret:                 []byte("a secret of at least 32 bytes, of the benchmark"),
		ClientAuthenticationStrategy: authenticated(client), ScopeStrategy: fosite.ExactScopeStrategy,
	}
	strategy := compose.NewOAuth2HMACStrategy(config)
	store := &stockStore{}
	for _, factory := range []compose.Factory{compose.OAuth2ResourceOwnerPasswordCredentialsFactory, compose.OAuth2RefreshTokenGrantFactory} { //nolint:staticcheck // the grant is what this is about
		handler, ok := factory(config, store, strategy).(fosite.TokenEndpointHandler)
		if !ok {
			return nil, errors.New("fosite's factory makes no handler")
		}
		config.TokenEndpointHandlers.Append(handler)
	}
	request := fosite.NewAccessRequest(&fosite.DefaultSession{Subject: "id-1"})
	request.Client, request.RequestedScope, request.GrantedScope = client, fosite.Arguments{"offline"}, fosite.Arguments{"offline"}
	store.request = request
	text, _, err := strategy.GenerateRefreshToken(context.Background(), request)
	if err != nil {
		return nil, fmt.Errorf("make a refresh token: %w", err)
	}
	return &handlers{
		core: fosite.NewOAuth2Provider(nil, config), context: context.Background(), forms: forms(text),
		session: func() fosite.Session { return &fosite.DefaultSession{} },
	}, nil
}

// stockStore is fosite's storage, and does nothing.
type stockStore struct {
	oauth2.TokenRevocationStorage
	request fosite.Requester
}

func (s *stockStore) Authenticate(context.Context, string, string) (string, error) {
	return "id-1", nil
}

func (s *stockStore) CreateAccessTokenSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (s *stockStore) CreateRefreshTokenSession(context.Context, string, string, fosite.Requester) error {
	return nil
}

func (s *stockStore) GetRefreshTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	if s.request == nil {
		return nil, fosite.ErrNotFound
	}
	return s.request, nil
}

func (s *stockStore) RotateRefreshToken(context.Context, string, string) error { return nil }

// ownHandlers are this project's, as pkg/provider puts them together, with an authenticator that says yes. Unlike fosite's
// store it reserves an attempt and takes a place in the hashing pool.
func ownHandlers() (*handlers, error) {
	secrets, err := token.NewSecrets([]byte(strings.Repeat("s", token.MinSecret)))
	if err != nil {
		return nil, err
	}
	keys, err := secrets.For(realmKey)
	if err != nil {
		return nil, err
	}
	grants := []string{realm.GrantPassword, realm.GrantRefresh}
	site := &ropc.Site{Address: "192.0.2.7", Realm: &ropc.Realm{Keys: keys, Realm: &realm.Realm{
		Path: realmKey, Active: true, Provider: &realm.Provider{
			GrantTypes: grants, AccessTokenLifetime: time.Hour, RefreshTokenLifetime: 7 * 24 * time.Hour,
			RefreshTokenMaxLifetime: realm.Never, IssueRefreshToken: true, IssueRefreshTokenOnRefresh: true,
		},
	}}}
	user := &realm.User{Realm: realmKey, ID: "id-1", Username: owner(1), Enabled: true}
	store := &ownStore{user: user, grant: &storage.Grant{
		ID: storage.NewGrantID(realmKey, user.Username), Realm: realmKey, Username: user.Username, Subject: user.ID, ClientID: backEnd,
		Scopes: []string{"offline"}, GrantType: realm.GrantPassword, Seq: 2, Generation: 1, HasRefresh: true,
		AccessExpires: time.Now().Add(time.Hour),
	}}
	admits := &guard.Guard{Logins: store, Pool: password.NewPool(password.PoolOptions{Cost: time.Nanosecond})}
	client := &realm.Client{Realm: realmKey, ID: backEnd, Enabled: true, GrantTypes: grants, Scopes: []string{"offline"}}
	text := keys.Write(token.Token{Kind: token.Refresh, Grant: store.grant.ID, Secret: token.NewSecret()})
	return &handlers{
		core: fosite.NewOAuth2Provider(nil, &fosite.Config{
			ScopeStrategy: fosite.ExactScopeStrategy, ClientAuthenticationStrategy: authenticated(ropc.Client{Client: client}),
			TokenEndpointHandlers: fosite.TokenEndpointHandlers{
				&ropc.Handler{Authenticator: yes{admits}, Issuer: ropc.GrantIssuer{}}, &ropc.RefreshHandler{Grants: store},
			},
		}),
		session: func() fosite.Session { return &ropc.Session{} },
		context: ropc.NewContext(context.Background(), site), forms: forms(text),
	}, nil
}

// yes authenticates everybody, with an attempt to settle.
type yes struct{ *guard.Guard }

func (y yes) Authenticate(ctx context.Context, r ropc.Request) (ropc.Result, error) {
	turn, err := y.Enter(ctx, guard.Entry{Client: backEnd, Realm: r.Realm, Username: r.Username})
	if err != nil {
		return ropc.Result{}, err
	}
	return ropc.Result{Subject: turn.User.ID, Username: turn.User.Username, AuthTime: turn.Reservation.Now, Turn: turn}, nil
}

// allGrants is another name for what is embedded, since it has a method of its own name.
type allGrants = storage.Grants

// ownStore is this project's storage, and does nothing.
type ownStore struct {
	allGrants
	user  *realm.User
	grant *storage.Grant
}

func (s *ownStore) Begin(_ context.Context, a storage.Attempt) (storage.Begun, error) {
	now := time.Now()
	r := storage.Reservation{Realm: a.Realm, Username: a.Username, Policy: a.Policy, User: s.user, Now: now, Begun: now}
	return storage.Begun{User: s.user, Reservation: r}, nil
}

func (s *ownStore) Finish(context.Context, storage.Settlement) error { return nil }

func (s *ownStore) Refresh(context.Context, storage.RefreshStep) (storage.Refreshed, error) {
	return storage.Refreshed{View: storage.View{Grant: s.grant, Now: time.Now()}}, nil
}

// compareHandlers measures both sets in turns, and gives the medians of the rounds' ratios.
func (b *bench) compareHandlers(ctx context.Context) (list []verdict, err error) {
	own, err := ownHandlers()
	if err != nil {
		return nil, err
	}
	stock, err := stockHandlers()
	if err != nil {
		return nil, err
	}
	for _, grant := range []string{passwordGrant, refreshGrant} {
		var times, allocations []figure
		var ours, theirs cost
		for range b.rounds {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if ours, err = own.cost(grant, b.handling); err == nil {
				theirs, err = stock.cost(grant, b.handling)
			}
			if err != nil {
				return nil, fmt.Errorf("%s through handlers: %w", grant, err)
			}
			times = append(times, ours.nanoseconds/theirs.nanoseconds)
			allocations = append(allocations, ours.allocations/theirs.allocations)
		}
		what := fmt.Sprintf("%s, handlers (%v)", grant, ours)
		against := fmt.Sprintf("fosite's, same core, no-op store (%v)", theirs)
		list = append(list,
			atMost(0.8, "of the time").judge(what, against, median(times)),
			atMost(0.8, "of the allocations").judge(what, against, median(allocations)))
	}
	return list, nil
}

// cost is what one request through handlers takes.
type cost struct{ nanoseconds, allocations figure }

func (c cost) String() string {
	return (c.nanoseconds / 1000).text(1) + " µs, " + c.allocations.text(0) + " allocations"
}

// cost is the mean of so many requests.
func (h *handlers) cost(grant string, n int) (cost, error) {
	before, start := mallocs(), time.Now()
	for range n {
		if err := h.serve(grant); err != nil {
			return cost{}, err
		}
	}
	took := time.Since(start)
	return cost{figure(took) / figure(n), figure(mallocs()-before) / figure(n)}, nil
}

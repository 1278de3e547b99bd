package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	fositestorage "github.com/ory/fosite/storage"
)

// The peer is fosite v0.49 as it comes: its own password and refresh handlers on its memory store. It compares passwords
// as they are, like the null hasher, and secrets of clients by SHA-256, like this server.
const (
	peerPath       = "/token"
	peerIntrospect = "/introspect"
	peerSecret     = "a-client-secret-of-usual-size"
	peerOwners     = 1000
)

// servePeer is its process.
func servePeer() error {
	config := &fosite.Config{
		GlobalSecret: []byte("a secret of at least 32 bytes, of the benchmark"), ClientSecretsHasher: plainSecrets{},
		RefreshTokenLifespan: 7 * 24 * time.Hour,
	}
	store := fositestorage.NewMemoryStore()
	secret, err := plainSecrets{}.Hash(context.Background(), []byte(peerSecret))
	if err != nil {
		return err
	}
	for _, id := range []string{backEnd, resourceServer} {
		store.Clients[id] = &fosite.DefaultClient{
			ID: id, Secret: secret, GrantTypes: []string{"password", "refresh_token"}, Scopes: []string{"offline"},
		}
	}
	for i := range peerOwners {
		store.Users[owner(i)] = fositestorage.MemoryUserRelation{Username: owner(i), Password: ownerPassword}
	}
	p := compose.Compose(config, store, compose.CommonStrategy{CoreStrategy: compose.NewOAuth2HMACStrategy(config)},
		compose.OAuth2ResourceOwnerPasswordCredentialsFactory, //nolint:staticcheck // the grant is what this is about
		compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2TokenIntrospectionFactory)
	r := mux.NewRouter()
	r.Path(peerPath).Methods(http.MethodPost).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := p.NewAccessRequest(r.Context(), r, &fosite.DefaultSession{})
		if err != nil {
			p.WriteAccessError(r.Context(), w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		response, err := p.NewAccessResponse(r.Context(), request)
		if err != nil {
			p.WriteAccessError(r.Context(), w, request, err)
			return
		}
		p.WriteAccessResponse(r.Context(), w, request, response)
	})
	r.Path(peerIntrospect).Methods(http.MethodPost).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := p.NewIntrospectionRequest(r.Context(), r, &fosite.DefaultSession{})
		if err != nil {
			p.WriteIntrospectionError(r.Context(), w, err)
			return
		}
		p.WriteIntrospectionResponse(r.Context(), w, response)
	})
	return serveMeasured(r)
}

// plainSecrets are secrets of clients as one SHA-256.
type plainSecrets struct{}

var _ fosite.Hasher = plainSecrets{}

var errSecret = errors.New("not the secret")

// Compare implements fosite.Hasher.
func (plainSecrets) Compare(_ context.Context, hash, data []byte) error {
	if sum := sha256.Sum256(data); subtle.ConstantTimeCompare(sum[:], hash) != 1 {
		return errSecret
	}
	return nil
}

// Hash implements fosite.Hasher.
func (plainSecrets) Hash(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return sum[:], nil
}

// peer is the running peer.
type peer struct {
	*child
	addr string
}

func (b *bench) startPeer() (*peer, error) {
	c, addr, err := listening(b.cores.server, rolePeer)
	if err != nil {
		return nil, err
	}
	return &peer{c, addr}, nil
}

func (p *peer) under(askers []asker) *web {
	return &web{addr: p.addr, pid: p.pid(), mallocs: mallocsOf(p.addr), askers: askers}
}

// letter is from the back end or the resource server.
func (p *peer) letter(id, path string) letter { return write(p.addr, path, id, peerSecret) }

// targets are a password grant, a refresh and an introspection.
func (p *peer) targets(connections int) (login, refresh, introspect *web, err error) {
	asked := p.letter(backEnd, peerPath)
	form := func(i int) url.Values {
		f := loginForm(i)
		f.Set("scope", "offline")
		return f
	}
	c, err := dial(p.addr)
	if err != nil {
		return nil, nil, nil, err
	}
	defer c.close()
	var logins, refreshes, introspections []asker
	for i := range connections {
		status, body, err := c.do(asked.with(form(i)))
		if err != nil || status != http.StatusOK {
			return nil, nil, nil, errors.Join(fmt.Errorf("%w: %d %s", errNoLogin, status, body), err)
		}
		logins = append(logins, &turns{list: [][]byte{asked.with(form(i))}})
		refreshes = append(refreshes, &refreshing{letter: asked, tokens: []string{field(body, "refresh_token")}})
		_, body, err = c.do(asked.with(form(i)))
		if err != nil {
			return nil, nil, nil, err
		}
		token := url.Values{"token": {field(body, "access_token")}}
		introspections = append(introspections, &turns{list: [][]byte{p.letter(resourceServer, peerIntrospect).with(token)}})
	}
	return p.under(logins), p.under(refreshes), p.under(introspections), nil
}

package ropcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// The demonstration's realm, client, user and scope.
const (
	demoRealm  = "/alpha"
	demoClient = "demo-client"
	demoUser   = "demo-user"
	demoScope  = "write"
)

// demo gives a client and a user new random secrets and prints the call that uses them.
func (p *process) demo(ctx context.Context, stdout io.Writer) error {
	r, ok := p.provider.Current().Realm(demoRealm)
	if !ok || !r.Active || r.Provider == nil {
		return setupError{fmt.Errorf("--demo needs an active realm %q with an oauth2_provider", demoRealm[1:])}
	}
	if _, taken := p.provider.Current().Static(demoRealm, demoClient); taken {
		return setupError{fmt.Errorf("--demo can't give a secret to the client %q of the configuration", demoClient)}
	}
	clientSecret, userPassword := password.NewSecret(), password.NewSecret()
	if err := p.putDemoClient(ctx, clientSecret); err != nil {
		return fmt.Errorf("demo client: %w", err)
	}
	if err := p.putDemoUser(ctx, userPassword); err != nil {
		return fmt.Errorf("demo user: %w", err)
	}
	endpoint := p.current().Server.BaseURL + "/oauth2/" + r.Path.LongForm() + "/access_token"
	_, err := fmt.Fprintf(stdout, `
A client and a resource owner for trying out, with new secrets at each start. Paste this to get their tokens:

curl --request POST --user '%s:%s' --data grant_type=password --data username=%s --data password=%s --data scope=%s %s

`, demoClient, clientSecret, demoUser, userPassword, demoScope, endpoint)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (p *process) putDemoClient(ctx context.Context, secret string) error {
	c := &realm.Client{
		Realm: demoRealm, ID: demoClient, SecretHash: password.HashSecret(demoRealm, demoClient, secret), Enabled: true,
		GrantTypes: []string{realm.GrantPassword, realm.GrantRefresh}, Scopes: []string{demoScope}, DefaultScopes: []string{demoScope},
		TokenEndpointAuthMethod: realm.AuthAny, Created: time.Now().UTC(),
	}
	err := p.store.CreateClient(ctx, c)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	old, err := p.store.Client(ctx, demoRealm, demoClient)
	if err != nil {
		return err
	}
	c.Created, c.Version = old.Created, old.Version
	return p.store.UpdateClient(ctx, c)
}

func (p *process) putDemoUser(ctx context.Context, secret string) error {
	hash, err := p.passwords.Hash(secret)
	if err != nil {
		return err
	}
	u := &realm.User{
		Realm: demoRealm, Username: demoUser, ID: uuid.NewString(), PasswordHash: hash, Enabled: true, Created: time.Now().UTC(),
	}
	err = p.store.CreateUser(ctx, u)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	old, err := p.store.UserByName(ctx, demoRealm, demoUser)
	if err != nil {
		return err
	}
	old.PasswordHash, old.Enabled, old.Expires = hash, true, time.Time{}
	if err := p.store.UpdateUser(ctx, old, true); err != nil {
		return err
	}
	return p.store.UnlockUser(ctx, demoRealm, demoUser)
}

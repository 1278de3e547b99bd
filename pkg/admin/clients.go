package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// attempts is how often a change is tried again when others change the same thing.
const attempts = 5

// Client is a client as administrators see it, with the keys of config.yaml.
type Client struct {
	Realm     string `json:"realm"`
	ID        string `json:"id"`
	Enabled   bool   `json:"enabled"`
	Public    bool   `json:"public"`
	Static    bool   `json:"static"` // of config.yaml
	HasSecret bool   `json:"has_secret"`
	// PreviousSecretUntil is how long the secret before the present one is accepted; absent: it is not.
	PreviousSecretUntil *time.Time `json:"previous_secret_until,omitempty"`
	ClientSettings
	Created *time.Time `json:"created,omitempty"`
}

// ClientSettings are what may be set of a client, with the keys of config.yaml.
type ClientSettings struct {
	AllowPublicPasswordGrant   bool     `json:"allow_public_password_grant"`
	GrantTypes                 []string `json:"grant_types"`
	Scopes                     []string `json:"scopes"`
	DefaultScopes              []string `json:"default_scopes"`
	TokenEndpointAuthMethod    string   `json:"token_endpoint_auth_method"`
	AllowedJourneys            []string `json:"allowed_journeys"`
	TrustEndUserIP             string   `json:"trust_end_user_ip"`
	AccessTokenLifetime        Lifetime `json:"access_token_lifetime"`
	RefreshTokenLifetime       Lifetime `json:"refresh_token_lifetime"`
	IssueRefreshToken          *bool    `json:"issue_refresh_token"`            // null: inherit
	IssueRefreshTokenOnRefresh *bool    `json:"issue_refresh_token_on_refresh"` // null: inherit
}

// ClientRef names a client.
type ClientRef struct {
	InRealm
	ID string `json:"id"`
}

// NewClient asks for a client. Without a secret a confidential one gets a generated one.
type NewClient struct {
	ClientRef
	Public   bool   `json:"public"`
	Secret   string `json:"secret,omitempty"`
	IfAbsent bool   `json:"if_absent"` // no error if there is one already; it stays as it is
	ClientSettings
}

// ClientChange asks for other settings. Nil fields stay as they are.
type ClientChange struct {
	ClientRef
	AllowPublicPasswordGrant   *bool     `json:"allow_public_password_grant,omitempty"`
	GrantTypes                 *[]string `json:"grant_types,omitempty"`
	Scopes                     *[]string `json:"scopes,omitempty"`
	DefaultScopes              *[]string `json:"default_scopes,omitempty"`
	TokenEndpointAuthMethod    *string   `json:"token_endpoint_auth_method,omitempty"`
	AllowedJourneys            *[]string `json:"allowed_journeys,omitempty"`
	TrustEndUserIP             *string   `json:"trust_end_user_ip,omitempty"`
	AccessTokenLifetime        *Lifetime `json:"access_token_lifetime,omitempty"`
	RefreshTokenLifetime       *Lifetime `json:"refresh_token_lifetime,omitempty"`
	IssueRefreshToken          *string   `json:"issue_refresh_token,omitempty"` // true, false or inherit
	IssueRefreshTokenOnRefresh *string   `json:"issue_refresh_token_on_refresh,omitempty"`
}

// ClientAnswer is a client after a change. Secret is a generated one, and this is the only time that it is shown.
type ClientAnswer struct {
	Client
	Secret    string   `json:"secret,omitempty"`
	Unchanged bool     `json:"unchanged,omitempty"` // it was there already
	Warnings  []string `json:"warnings,omitempty"`
}

func describeClient(c *realm.Client) Client {
	out := Client{
		Realm: c.Realm, ID: c.ID, Enabled: c.Enabled, Public: c.Public, Static: c.Static, HasSecret: c.SecretHash != "",
		ClientSettings: ClientSettings{
			AllowPublicPasswordGrant: c.AllowPublicPasswordGrant, GrantTypes: filled(c.GrantTypes), Scopes: filled(c.Scopes),
			DefaultScopes: filled(c.DefaultScopes), TokenEndpointAuthMethod: c.TokenEndpointAuthMethod,
			AllowedJourneys: filled(c.AllowedJourneys), TrustEndUserIP: c.TrustEndUserIP,
			AccessTokenLifetime: Lifetime(c.AccessTokenLifetime), RefreshTokenLifetime: Lifetime(c.RefreshTokenLifetime),
			IssueRefreshToken: c.IssueRefreshToken, IssueRefreshTokenOnRefresh: c.IssueRefreshTokenOnRefresh,
		},
	}
	if !c.Created.IsZero() {
		out.Created = &c.Created
	}
	if c.Overlaps(time.Now()) {
		out.PreviousSecretUntil = &c.PreviousSecretUntil
	}
	return out
}

// apply puts the settings into a client.
func (s ClientSettings) apply(c *realm.Client) {
	c.AllowPublicPasswordGrant, c.GrantTypes, c.Scopes, c.DefaultScopes = s.AllowPublicPasswordGrant, s.GrantTypes, s.Scopes, s.DefaultScopes
	c.TokenEndpointAuthMethod, c.AllowedJourneys, c.TrustEndUserIP = s.TokenEndpointAuthMethod, s.AllowedJourneys, s.TrustEndUserIP
	if c.TokenEndpointAuthMethod == "" {
		c.TokenEndpointAuthMethod = realm.AuthAny
	}
	c.Overrides = realm.Overrides{
		AccessTokenLifetime: time.Duration(s.AccessTokenLifetime), RefreshTokenLifetime: time.Duration(s.RefreshTokenLifetime),
		IssueRefreshToken: s.IssueRefreshToken, IssueRefreshTokenOnRefresh: s.IssueRefreshTokenOnRefresh,
	}
}

func (a *api) listClients(ctx context.Context, in InRealm) iter.Seq2[Client, error] {
	return func(yield func(Client, error) bool) {
		r, err := a.realm(in.Realm)
		if err != nil {
			yield(Client{}, err)
			return
		}
		for _, c := range r.Clients {
			if !yield(describeClient(c), nil) {
				return
			}
		}
		for c, err := range a.Store.Clients(ctx, r.Path.Key()) {
			if err != nil {
				yield(Client{}, err)
				return
			}
			if _, static := a.Provider.Current().Static(c.Realm, c.ID); !static && !yield(describeClient(c), nil) {
				return
			}
		}
	}
}

func (a *api) showClient(ctx context.Context, in ClientRef) (Client, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return Client{}, err
	}
	if c, ok := a.Provider.Current().Static(r.Path.Key(), in.ID); ok {
		return describeClient(c), nil
	}
	c, err := a.Store.Client(ctx, r.Path.Key(), in.ID)
	if err != nil {
		return Client{}, clientError(err, in)
	}
	return describeClient(c), nil
}

func clientError(err error, in ClientRef) error {
	if errors.Is(err, storage.ErrNotFound) {
		return refuse(CodeNotFound, "there is no client %q in realm %s", in.ID, in.Realm)
	}
	return fmt.Errorf("client: %w", err)
}

// changeable finds the realm of a client that is not in config.yaml.
func (a *api) changeable(in ClientRef, t *trail) (*ropc.Realm, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return nil, err
	}
	t.Realm, t.ClientID = string(r.Path), in.ID
	if _, static := a.Provider.Current().Static(r.Path.Key(), in.ID); static {
		return nil, refuse(CodeStatic, "the client %q is one of config.yaml; change it there", in.ID)
	}
	return r, nil
}

func (a *api) createClient(ctx context.Context, in NewClient, t *trail) (ClientAnswer, error) {
	r, err := a.changeable(in.ClientRef, t)
	if err != nil {
		return ClientAnswer{}, err
	}
	if answer, err := a.existingClient(ctx, r, in, t); !errors.Is(err, storage.ErrNotFound) {
		return answer, err
	}
	c := &realm.Client{Realm: r.Path.Key(), ID: in.ID, Enabled: true, Public: in.Public, Created: time.Now().UTC().Truncate(time.Millisecond)}
	in.apply(c)
	if err := checkClient(c, in.Secret); err != nil {
		return ClientAnswer{}, err
	}
	answer := ClientAnswer{}
	if !c.Public {
		if answer.Secret, c.SecretHash, err = a.secret(ctx, c, in.Secret); err != nil {
			return ClientAnswer{}, err
		}
	}
	// What an earlier client of the same id has left behind is not this one's.
	if err := a.Store.EndClient(ctx, c.Realm, c.ID); err != nil {
		return ClientAnswer{}, fmt.Errorf("end grants of an earlier client: %w", err)
	}
	err = a.Store.CreateClient(ctx, c)
	if errors.Is(err, storage.ErrExists) { // made in between
		return a.existingClient(ctx, r, in, t)
	}
	if err != nil {
		return ClientAnswer{}, fmt.Errorf("create client: %w", err)
	}
	a.Provider.Clients.Forget(c.Realm, c.ID)
	answer.Client, answer.Warnings = describeClient(c), warnings(r, c)
	return answer, nil
}

// existingClient answers for a client that is there already; storage.ErrNotFound if it is not. Nothing of it is touched.
func (a *api) existingClient(ctx context.Context, r *ropc.Realm, in NewClient, t *trail) (ClientAnswer, error) {
	old, err := a.Store.Client(ctx, r.Path.Key(), in.ID)
	switch {
	case err != nil:
		return ClientAnswer{}, fmt.Errorf("client: %w", err)
	case !in.IfAbsent:
		return ClientAnswer{}, refuse(CodeExists, "the client %q is there already", in.ID)
	}
	t.unchanged = true
	return ClientAnswer{Client: describeClient(old), Unchanged: true}, nil
}

// hash hashes what a person chose, in the pool.
func (a *api) hash(ctx context.Context, chosen string) (hash string, err error) {
	ticket, err := a.Pool.Admit("admin")
	if err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	defer ticket.Release()
	var hashErr error
	if err := ticket.Do(ctx, func() { hash, hashErr = a.Passwords.Hash(chosen) }); err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	if errors.Is(hashErr, password.ErrPassword) {
		return "", refuse(CodeInvalid, "this can't be a password: it has 1 to 1024 bytes of UTF-8 without control characters, "+
			"and at most 72 with bcrypt")
	}
	return hash, hashErr
}

// alter reads a client, lets f change it, and writes it, again if others did so in between. With end its grants end.
func (a *api) alter(ctx context.Context, in ClientRef, t *trail, end bool, f func(*ropc.Realm, *realm.Client) error) (ClientAnswer, error) {
	r, err := a.changeable(in, t)
	if err != nil {
		return ClientAnswer{}, err
	}
	for range attempts {
		c, err := a.Store.Client(ctx, r.Path.Key(), in.ID)
		if err != nil {
			return ClientAnswer{}, clientError(err, in)
		}
		dropOverSecret(c)
		if err := f(r, c); err != nil {
			return ClientAnswer{}, err
		}
		err = a.Store.UpdateClient(ctx, c)
		if errors.Is(err, storage.ErrConflict) {
			continue
		}
		if err != nil {
			return ClientAnswer{}, clientError(err, in)
		}
		if end {
			if err := a.Store.EndClient(ctx, c.Realm, c.ID); err != nil {
				return ClientAnswer{}, fmt.Errorf("the client was changed, but its grants have not ended; do it again: %w", err)
			}
		}
		a.Provider.Clients.Forget(c.Realm, c.ID)
		return ClientAnswer{Client: describeClient(c), Warnings: warnings(r, c)}, nil
	}
	return ClientAnswer{}, storage.ErrConflict
}

func (a *api) enableClient(ctx context.Context, in ClientRef, t *trail) (ClientAnswer, error) {
	return a.alter(ctx, in, t, false, func(_ *ropc.Realm, c *realm.Client) error { c.Enabled = true; return nil })
}

func (a *api) disableClient(ctx context.Context, in ClientRef, t *trail) (ClientAnswer, error) {
	return a.alter(ctx, in, t, true, func(_ *ropc.Realm, c *realm.Client) error { c.Enabled = false; return nil })
}

func (a *api) updateClient(ctx context.Context, in ClientChange, t *trail) (ClientAnswer, error) {
	return a.alter(ctx, in.ClientRef, t, false, func(_ *ropc.Realm, c *realm.Client) error {
		if err := in.apply(c); err != nil {
			return err
		}
		return checkClient(c, "")
	})
}

func (a *api) deleteClient(ctx context.Context, in ClientRef, t *trail) (Nothing, error) {
	r, err := a.changeable(in, t)
	if err != nil {
		return Nothing{}, err
	}
	// The grants end first: should the second step fail, doing it again finishes it.
	if err := a.Store.EndClient(ctx, r.Path.Key(), in.ID); err != nil {
		return Nothing{}, fmt.Errorf("end grants: %w", err)
	}
	if err := a.Store.DeleteClient(ctx, r.Path.Key(), in.ID); err != nil {
		return Nothing{}, clientError(err, in)
	}
	a.Provider.Clients.Forget(r.Path.Key(), in.ID)
	return Nothing{}, nil
}

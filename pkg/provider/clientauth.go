package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// The refusals of client authentication (RFC 6749 section 2.3). The status of ErrInvalidClient is the server's choice.
var (
	ErrInvalidClient = &fosite.RFC6749Error{
		ErrorField: "invalid_client", DescriptionField: "Client authentication failed", CodeField: http.StatusUnauthorized,
	}
	ErrTwoMethods = &fosite.RFC6749Error{
		ErrorField: "invalid_request", DescriptionField: "More than one client authentication method", CodeField: http.StatusBadRequest,
	}
)

// presented is what a client shows of itself. Both readings of a Basic header are kept: RFC 6749 section 2.3.1 has id
// and secret form-encoded, many clients send them as they are.
type presented struct {
	method string // AuthBasic, AuthPost, or empty: an id alone
	ids    []reading
}

type reading struct {
	id      string
	secrets []string // in every reading that goes with the id
}

// AuthenticateClient authenticates the client of a request in the realm of the context's site, by Basic or by
// client_id and client_secret in the form. A public client shows its id alone. It returns [ErrInvalidClient] without
// telling why, [ErrTwoMethods], a *guard.LimitError when the address has failed too often, or a fault: a store that can't
// be asked is never a wrong secret. [ErrInvalidClient] was counted at the address.
func (p *Provider) AuthenticateClient(ctx context.Context, r *http.Request, form url.Values) (ropc.Client, error) {
	site := ropc.SiteOf(ctx)
	if site.Realm == nil {
		return p.authenticate(ctx, r, form)
	}
	if err := p.limiter.Address(site.Realm.Realm, site.Address); err != nil {
		site.Trace.Reason = audit.Budget
		return ropc.Client{}, err
	}
	client, err := p.authenticate(ctx, r, form)
	if errors.Is(err, ErrInvalidClient) {
		if fault := p.limiter.Fail(ctx, site.Realm.Realm, site.Address); fault != nil {
			site.Trace.Reason = audit.Store
			return ropc.Client{}, fault
		}
	}
	return client, err
}

func (p *Provider) authenticate(ctx context.Context, r *http.Request, form url.Values) (ropc.Client, error) {
	site := ropc.SiteOf(ctx)
	shown, err := read(r, form)
	if err != nil {
		site.Trace.Reason = audit.ClientUnknown
		return ropc.Client{}, err
	}
	reason := audit.ClientUnknown
	for _, c := range shown.ids {
		client, err := p.Clients.Lookup(ctx, site.RealmKey(), c.id)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return ropc.Client{}, fmt.Errorf("find client: %w", err)
		}
		site.Trace.ClientID = client.ID
		reason = audit.ClientSecret
		ok, err := p.secretRight(ctx, client, shown.method, c.secrets)
		if err != nil {
			return ropc.Client{}, err
		}
		if ok && client.Enabled {
			return ropc.Client{Client: client}, nil
		}
	}
	site.Trace.Reason = reason
	return ropc.Client{}, ErrInvalidClient
}

// read finds the one method that the request uses.
func read(r *http.Request, form url.Values) (presented, error) {
	headers := r.Header.Values("Authorization")
	id, secret := form.Get("client_id"), form.Get("client_secret")
	switch {
	case len(headers) > 1 || (len(headers) == 1 && secret != ""):
		return presented{}, ErrTwoMethods
	case len(headers) == 1:
		return readBasic(headers[0], id)
	case id == "":
		return presented{}, ErrInvalidClient
	case secret == "":
		return presented{ids: []reading{{id: id}}}, nil
	}
	return presented{method: realm.AuthPost, ids: []reading{{id, []string{secret}}}}, nil
}

// readBasic reads RFC 7617 credentials, split at the first colon. A client_id beside them must be the same.
func readBasic(header, formID string) (presented, error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return presented{}, ErrInvalidClient
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimLeft(encoded, " "))
	if err != nil {
		return presented{}, ErrInvalidClient
	}
	id, secret, found := strings.Cut(string(decoded), ":")
	if !found || id == "" {
		return presented{}, ErrInvalidClient
	}
	p := presented{method: realm.AuthBasic, ids: []reading{{id, []string{secret}}}}
	plainID, errID := url.QueryUnescape(id)
	plainSecret, errSecret := url.QueryUnescape(secret)
	switch {
	case errID != nil || errSecret != nil, plainID == id && plainSecret == secret: // one reading is all there is
	case plainID == id:
		p.ids[0].secrets = append(p.ids[0].secrets, plainSecret)
	default:
		p.ids = append(p.ids, reading{plainID, []string{plainSecret}})
	}
	if formID != "" {
		p.ids = slices.DeleteFunc(p.ids, func(r reading) bool { return r.id != formID })
	}
	if len(p.ids) == 0 {
		return presented{}, ErrTwoMethods
	}
	if secret == "" {
		p.method = ""
	}
	return p, nil
}

// secretRight compares every reading of the secret, however many are right.
func (p *Provider) secretRight(ctx context.Context, c *realm.Client, method string, secrets []string) (bool, error) {
	if c.Public {
		return method == "", nil
	}
	right := false
	for _, secret := range secrets {
		ok, err := p.compare(ctx, c, secret)
		if err != nil {
			return false, err
		}
		right = right || ok
	}
	pinned := c.TokenEndpointAuthMethod
	return right && method != "" && (pinned == "" || pinned == realm.AuthAny || pinned == method), nil
}

// secretShare is the share of the hashing pool in which chosen secrets are compared: one for all clients and none of
// theirs, so that who guesses at a client's secret takes no place from the logins of its users.
const secretShare = "\x00client secrets"

// compare compares a secret with all that the client has at this time, whichever of them is right. What takes a password
// hash is left out when the secret is known to be right without it.
func (p *Provider) compare(ctx context.Context, c *realm.Client, secret string) (bool, error) {
	right, slow := false, []string(nil)
	for _, hash := range c.SecretHashes(time.Now()) {
		ok, known := password.VerifySecret(c.Realm, c.ID, secret, hash)
		if !known && secret != "" {
			ok = p.verified.has(c, hash, secret)
			slow = append(slow, hash)
		}
		right = right || ok
	}
	if right || len(slow) == 0 {
		return right, nil
	}
	return p.compareSlowly(ctx, c, secret, slow)
}

// compareSlowly compares a secret with hashes of chosen ones, in the pool, without stopping at the one that is right.
func (p *Provider) compareSlowly(ctx context.Context, c *realm.Client, secret string, hashes []string) (bool, error) {
	ticket, err := p.Pool.Admit(secretShare)
	if err != nil {
		return false, fmt.Errorf("client secret: %w", err)
	}
	defer ticket.Release()
	var right []string
	for _, hash := range hashes {
		var ok bool
		var hashErr error
		if err := ticket.Do(ctx, func() { ok, _, hashErr = p.Passwords.Verify(secret, hash) }); err != nil {
			return false, fmt.Errorf("client secret: %w", err)
		}
		if hashErr != nil {
			return false, fmt.Errorf("client secret: %w", hashErr)
		}
		if ok {
			right = append(right, hash)
		}
	}
	for _, hash := range right {
		p.verified.add(c, hash, secret)
	}
	return len(right) > 0, nil
}

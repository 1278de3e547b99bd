package provider_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
)

// strange are characters that Basic, forms and keys of stores have their own ideas about.
const strange = `p:4 %2B+%&=/"\äé{}`

func clients() []realm.Client {
	disabled := confidential("disabled", "secret")
	disabled.Enabled = false
	pinnedBasic, pinnedPost := confidential("basic-only", "secret"), confidential("post-only", "secret")
	pinnedBasic.TokenEndpointAuthMethod, pinnedPost.TokenEndpointAuthMethod = realm.AuthBasic, realm.AuthPost
	whichever := confidential("any", "secret")
	whichever.TokenEndpointAuthMethod = realm.AuthAny
	return []realm.Client{
		confidential("plain", "secret"), confidential("strange", strange), confidential("my:app", "secret"),
		confidential("50%off", "secret"), confidential("blank", ""), confidential("a+b", "secret"), confidential("a b", "blank secret"),
		confidential("my%2Bapp", "raw secret"), confidential("my+app", "decoded secret"), chosen("chosen", "secret"),
		disabled, pinnedBasic, pinnedPost, whichever,
		{Realm: "/alpha", ID: "public", Public: true, Enabled: true},
		{Realm: "/alpha", ID: "public-disabled", Public: true},
		{Realm: "/alpha", ID: "no-hash", Enabled: true},
		{Realm: "/beta", ID: "plain", SecretHash: confidential("plain", "secret").SecretHash, Enabled: true},
	}
}

type attempt struct {
	name    string
	headers []string
	form    url.Values
}

func TestClientIsAuthenticated(t *testing.T) {
	for _, tc := range []struct {
		attempt
		id string
	}{
		{attempt{"Basic", basic("plain", "secret"), nil}, "plain"},
		{attempt{"Basic, scheme in lower case", []string{"basic " + basic("plain", "secret")[0][6:]}, nil}, "plain"},
		{attempt{"Basic, two spaces", []string{"Basic  " + basic("plain", "secret")[0][6:]}, nil}, "plain"},
		{attempt{"post", nil, post("client_id", "plain", "client_secret", "secret")}, "plain"},
		{attempt{"Basic and the same client_id", basic("plain", "secret"), post("client_id", "plain")}, "plain"},
		{attempt{"strange secret, raw", basic("strange", strange), nil}, "strange"},
		{attempt{"strange secret, encoded", encoded("strange", strange), nil}, "strange"},
		{attempt{"strange secret, post", nil, post("client_id", "strange", "client_secret", strange)}, "strange"},
		{attempt{"colon in the id, encoded", encoded("my:app", "secret"), nil}, "my:app"},
		{attempt{"colon in the id, encoded, and client_id", encoded("my:app", "secret"), post("client_id", "my:app")}, "my:app"},
		{attempt{"colon in the id, post", nil, post("client_id", "my:app", "client_secret", "secret")}, "my:app"},
		{attempt{"percent in the id, raw", basic("50%off", "secret"), nil}, "50%off"},
		{attempt{"percent in the id, encoded", encoded("50%off", "secret"), nil}, "50%off"},
		{attempt{"plus in the id, raw", basic("a+b", "secret"), nil}, "a+b"},
		{attempt{"plus in the id, encoded", encoded("a+b", "secret"), nil}, "a+b"},
		{attempt{"space in the id, encoded", encoded("a b", "blank secret"), nil}, "a b"},
		{attempt{"an id that reads as another's, raw", basic("my%2Bapp", "raw secret"), nil}, "my%2Bapp"},
		{attempt{"an id that reads as another's, encoded", encoded("my+app", "decoded secret"), nil}, "my+app"},
		{attempt{"a chosen secret", basic("chosen", "secret"), nil}, "chosen"},
		{attempt{"pinned to Basic", basic("basic-only", "secret"), nil}, "basic-only"},
		{attempt{"pinned to post", nil, post("client_id", "post-only", "client_secret", "secret")}, "post-only"},
		{attempt{"any: Basic", basic("any", "secret"), nil}, "any"},
		{attempt{"any: post", nil, post("client_id", "any", "client_secret", "secret")}, "any"},
		{attempt{"public", nil, post("client_id", "public")}, "public"},
		{attempt{"public, empty secret", nil, post("client_id", "public", "client_secret", "")}, "public"},
		{attempt{"public, by Basic", basic("public", ""), nil}, "public"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			for _, c := range clients() {
				s.store.put(c)
			}
			c, trace, err := s.authenticate(t, "/alpha", tc.headers, tc.form)
			if err != nil || c.Client == nil || c.ID != tc.id {
				t.Fatalf("client %v, error %v", c.Client, err)
			}
			if trace.ClientID != tc.id || trace.Reason != "" {
				t.Errorf("trace %+v", trace)
			}
		})
	}
}

func TestClientIsRefused(t *testing.T) {
	basicHeader := func(s string) []string { return []string{"Basic " + s} }
	const unknown, secret = audit.ClientUnknown, audit.ClientSecret
	for _, tc := range []struct {
		attempt
		want   error
		reason string
	}{
		{attempt{"nothing", nil, nil}, provider.ErrInvalidClient, unknown},
		{attempt{"a secret alone", nil, post("client_secret", "secret")}, provider.ErrInvalidClient, unknown},
		{attempt{"unknown", basic("nobody", "secret"), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"unknown, post", nil, post("client_id", "nobody", "client_secret", "secret")}, provider.ErrInvalidClient, unknown},
		{attempt{"unknown, id alone", nil, post("client_id", "nobody")}, provider.ErrInvalidClient, unknown},
		{attempt{"id in other case", basic("Plain", "secret"), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"wrong secret", basic("plain", "wrong"), nil}, provider.ErrInvalidClient, secret},
		{attempt{"wrong secret, post", nil, post("client_id", "plain", "client_secret", "Secret")}, provider.ErrInvalidClient, secret},
		{attempt{"secret with more behind it", basic("plain", "secret\x00"), nil}, provider.ErrInvalidClient, secret},
		{attempt{"no secret", nil, post("client_id", "plain")}, provider.ErrInvalidClient, secret},
		{attempt{"empty secret", basic("plain", ""), nil}, provider.ErrInvalidClient, secret},
		{attempt{"empty secret, post", nil, post("client_id", "plain", "client_secret", "")}, provider.ErrInvalidClient, secret},
		{attempt{"empty secret, and the hash of one", basic("blank", ""), nil}, provider.ErrInvalidClient, secret},
		{attempt{"id alone, and the hash of an empty secret", nil, post("client_id", "blank")}, provider.ErrInvalidClient, secret},
		{attempt{"a client without a hash", basic("no-hash", ""), nil}, provider.ErrInvalidClient, secret},
		{attempt{"a client without a hash, id alone", nil, post("client_id", "no-hash")}, provider.ErrInvalidClient, secret},
		{attempt{"chosen, wrong", basic("chosen", "wrong"), nil}, provider.ErrInvalidClient, secret},
		{attempt{"chosen, empty", basic("chosen", ""), nil}, provider.ErrInvalidClient, secret},
		{attempt{"colon in the id, raw", basic("my:app", "secret"), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"one client's secret for the other reading", basic("my%2Bapp", "decoded+secrets"), nil}, provider.ErrInvalidClient, secret},
		{attempt{"disabled", basic("disabled", "secret"), nil}, provider.ErrInvalidClient, secret},
		{attempt{"public, disabled", nil, post("client_id", "public-disabled")}, provider.ErrInvalidClient, secret},
		{attempt{"public, junk secret", nil, post("client_id", "public", "client_secret", "junk")}, provider.ErrInvalidClient, secret},
		{attempt{"public, junk secret by Basic", basic("public", "junk"), nil}, provider.ErrInvalidClient, secret},
		{attempt{"pinned to Basic, post", nil, post("client_id", "basic-only", "client_secret", "secret")}, provider.ErrInvalidClient, secret},
		{attempt{"pinned to post, Basic", basic("post-only", "secret"), nil}, provider.ErrInvalidClient, secret},
		{attempt{"another scheme", []string{"Bearer at_x"}, post("client_id", "public")}, provider.ErrInvalidClient, unknown},
		{attempt{"Digest", []string{`Digest username="plain"`}, nil}, provider.ErrInvalidClient, unknown},
		{attempt{"empty header", []string{""}, post("client_id", "public")}, provider.ErrInvalidClient, unknown},
		{attempt{"Basic alone", []string{"Basic"}, nil}, provider.ErrInvalidClient, unknown},
		{attempt{"malformed base64", basicHeader("!!!"), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"base64url", basicHeader("cGxhaW46_-8="), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"no padding", basicHeader("cGxhaW46c2VjcmV0cw"), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"no colon", basicHeader("cGxhaW4="), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"no id", basic("", "secret"), nil}, provider.ErrInvalidClient, unknown},
		{attempt{"two methods", basic("plain", "secret"), post("client_id", "plain", "client_secret", "secret")}, provider.ErrTwoMethods, unknown},
		{attempt{"two methods, no id", basic("plain", "secret"), post("client_secret", "secret")}, provider.ErrTwoMethods, unknown},
		{attempt{"another client_id", basic("plain", "secret"), post("client_id", "any")}, provider.ErrTwoMethods, unknown},
		{attempt{"another client_id, unescapable", basic("50%off", "secret"), post("client_id", "any")}, provider.ErrTwoMethods, unknown},
		{attempt{"client_id as Basic encodes it", encoded("50%off", "secret"), post("client_id", "50%25off")}, provider.ErrInvalidClient, unknown},
		{attempt{"two headers", append(basic("plain", "secret"), basic("plain", "secret")...), nil}, provider.ErrTwoMethods, unknown},
		{attempt{"two headers, one empty", append(basic("plain", "secret"), ""), nil}, provider.ErrTwoMethods, unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			for _, c := range clients() {
				s.store.put(c)
			}
			c, trace, err := s.authenticate(t, "/alpha", tc.headers, tc.form)
			if c.Client != nil || !errors.Is(err, tc.want) || err.Error() != tc.want.Error() {
				t.Fatalf("client %v, error %v, want %v", c.Client, err, tc.want)
			}
			if trace.Reason != tc.reason {
				t.Errorf("reason %q, want %q", trace.Reason, tc.reason)
			}
		})
	}
}

// A hash is bound to its realm and client: copied to another realm's record it is worth nothing.
func TestClientSecretOfOneRealmIsNoneOfAnother(t *testing.T) {
	s := newSite(t)
	for _, c := range clients() {
		s.store.put(c)
	}
	if _, _, err := s.authenticate(t, "/beta", basic("plain", "secret"), nil); !errors.Is(err, provider.ErrInvalidClient) {
		t.Errorf("error %v", err)
	}
	if _, _, err := s.authenticate(t, "/beta", basic("any", "secret"), nil); !errors.Is(err, provider.ErrInvalidClient) {
		t.Errorf("a client of another realm: %v", err)
	}
}

func FuzzAuthenticateClient(f *testing.F) {
	f.Add(basic("plain", "secret")[0], "plain", "")
	f.Add("Basic !!!", "", "secret")
	f.Add("Bearer x", "public", "")
	f.Add(encoded("50%off", "secret")[0], "50%off", "")
	s := newSite(f)
	for _, c := range clients() {
		s.store.put(c)
	}
	f.Fuzz(func(t *testing.T, header, id, secret string) {
		c, _, err := s.authenticate(t, "/alpha", []string{header}, post("client_id", id, "client_secret", secret))
		known := errors.Is(err, provider.ErrInvalidClient) || errors.Is(err, provider.ErrTwoMethods)
		if (c.Client == nil) == (err == nil) || (err != nil && !known) {
			t.Fatalf("client %v, error %v", c.Client, err)
		}
		if err == nil && (secret != "" || (id != "" && id != c.ID)) {
			t.Fatalf("client %s beside client_id %q", c.ID, id)
		}
	})
}

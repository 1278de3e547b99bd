package provider_test

import (
	"bytes"
	"testing"

	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

func source(path realm.Path, aliases ...string) provider.Source {
	return provider.Source{Realm: &realm.Realm{Path: path, Aliases: aliases}}
}

func newRealms(t *testing.T, sources ...provider.Source) (*provider.Realms, error) {
	t.Helper()
	secrets, err := token.NewSecrets(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return provider.NewRealms(secrets, sources)
}

func TestRealmIsFoundByItsKey(t *testing.T) {
	r, err := newRealms(t, source("/"), source("/Alpha"), source("/alpha/EMEA"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]realm.Path{"/": "/", "/alpha": "/Alpha", "/alpha/emea": "/alpha/EMEA"} {
		if got, ok := r.Realm(key); !ok || got.Path != want {
			t.Errorf("%s: %v, %v", key, got, ok)
		}
	}
	for _, key := range []string{"", "/Alpha", "alpha", "/beta", "/alpha/"} {
		if got, ok := r.Realm(key); ok || got != nil {
			t.Errorf("%q is %v", key, got.Path)
		}
	}
	if all := r.All(); len(all) != 3 || all[1].Path != "/Alpha" {
		t.Errorf("all: %v", all)
	}
}

func TestAlias(t *testing.T) {
	r := realms(t)
	for _, host := range []string{
		"alpha.example", "ALPHA.Example", "alpha.example:8080", "alpha.example.", "alpha.example.:443", "alpha.example:",
		"[2001:db8::1]", "[2001:DB8::1]:8080", "192.0.2.7", "192.0.2.7:80",
	} {
		if got, ok := r.Alias(host); !ok || got.Path != "/alpha" {
			t.Errorf("%q: no alias", host)
		}
	}
	for _, host := range []string{
		"", ":", ":80", "example", "x.alpha.example", "alpha.example.org", "[2001:db8::2]", "2001:db8::1", "[2001:db8::1", "192.0.2.70",
	} {
		if _, ok := r.Alias(host); ok {
			t.Errorf("%q is an alias", host)
		}
	}
}

func TestNewRealmsRefusesWhatIsThereTwice(t *testing.T) {
	for name, sources := range map[string][]provider.Source{
		"a realm":                {source("/alpha"), source("/alpha")},
		"a realm in other case":  {source("/alpha"), source("/ALPHA")},
		"an alias":               {source("/alpha", "a.example"), source("/beta", "a.example")},
		"an alias of one realm":  {source("/alpha", "a.example", "a.example")},
		"an alias in other case": {source("/alpha", "a.example"), source("/beta", "A.Example")},
	} {
		if r, err := newRealms(t, sources...); err == nil || r != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEveryRealmHasKeysOfItsOwn(t *testing.T) {
	r := realms(t)
	alpha, _ := r.Realm("/alpha")
	beta, _ := r.Realm("/beta")
	text := alpha.Keys.Write(token.Token{Kind: token.Refresh, Grant: storage.NewGrantID("/alpha", "demo"), Secret: token.NewSecret()})
	if _, ok := alpha.Keys.Read(text); !ok {
		t.Error("a realm does not know its own token")
	}
	if _, ok := beta.Keys.Read(text); ok {
		t.Error("a realm knows another one's token")
	}
}

func TestStaticClientsBelongToTheirRealm(t *testing.T) {
	static := confidential("c", "secret")
	r := realms(t, &static)
	if got, ok := r.Static("/alpha", "c"); !ok || got != &static {
		t.Error("not found")
	}
	for _, key := range [][2]string{{"/beta", "c"}, {"/alpha", "C"}, {"/alphac", ""}, {"", "/alphac"}} {
		if _, ok := r.Static(key[0], key[1]); ok {
			t.Errorf("%v is found", key)
		}
	}
}

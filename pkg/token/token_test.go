package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

func keys(t testing.TB, realmKey string, secrets ...byte) *token.Keys {
	t.Helper()
	var list [][]byte
	for _, s := range secrets {
		list = append(list, bytes.Repeat([]byte{s}, 40))
	}
	s, err := token.NewSecrets(list...)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.For(realmKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func examples() []token.Token {
	secret := token.NewSecret()
	id := storage.NewGrantID("/alpha", "demo")
	return []token.Token{
		{Kind: token.Refresh, Grant: id, Number: 7, Secret: secret},
		{Kind: token.Access, Grant: id, Number: 1, Secret: secret.Access(), Expires: time.UnixMilli(1800000000123).UTC(), Scopes: 5},
		{Kind: token.Access, Grant: id, Number: 1<<32 - 1, Secret: secret.Access(), Scopes: 1<<64 - 1},
	}
}

func TestReadGivesWhatWasWritten(t *testing.T) {
	k := keys(t, "/alpha", 1)
	for _, want := range examples() {
		text := k.Write(want)
		got, ok := k.Read(text)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("ok %v, -want +got:\n%s", ok, diff)
		}
		if k.Write(want) != text {
			t.Error("the same content has two texts")
		}
	}
}

// The MAC covers everything, base64 is strict: there is no second spelling of a token and none next to it.
func TestReadRefusesAnyOneCharacterChanged(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.\n \x00é"
	k := keys(t, "/alpha", 1)
	for _, tok := range examples() {
		text := k.Write(tok)
		for i := range text {
			for _, c := range alphabet {
				changed := text[:i] + string(c) + text[i+1:]
				if _, ok := k.Read(changed); ok && changed != text {
					t.Fatalf("%q is accepted, made from %q", changed, text)
				}
				if _, ok := k.Read(text[:i] + string(c) + text[i:]); ok {
					t.Fatalf("a character inserted at %d is accepted", i)
				}
			}
			if _, ok := k.Read(text[:i]); ok {
				t.Fatalf("cut at %d is accepted", i)
			}
		}
		if _, ok := k.Read(text + "="); ok {
			t.Fatal("padding is accepted")
		}
	}
}

func TestReadRefusesOtherRealmKindAndSecret(t *testing.T) {
	k := keys(t, "/alpha", 1)
	for _, tok := range examples() {
		text := k.Write(tok)
		for name, other := range map[string]*token.Keys{
			"realm": keys(t, "/beta", 1), "nested realm": keys(t, "/alpha/x", 1), "secret": keys(t, "/alpha", 2),
		} {
			if _, ok := other.Read(text); ok {
				t.Errorf("a token is accepted by another %s", name)
			}
		}
		swapped := "rt_" + text[3:]
		if tok.Kind == token.Refresh {
			swapped = "at_" + text[3:]
		}
		if _, ok := k.Read(swapped); ok {
			t.Error("a token is accepted as the other kind")
		}
	}
}

func TestFirstSecretSignsAndAllVerify(t *testing.T) {
	older, both, newer := keys(t, "/alpha", 1), keys(t, "/alpha", 2, 1), keys(t, "/alpha", 2)
	tok := examples()[0]
	if _, ok := both.Read(older.Write(tok)); !ok {
		t.Error("a token under the second secret is refused")
	}
	if _, ok := newer.Read(both.Write(tok)); !ok {
		t.Error("the first secret did not sign")
	}
	if _, ok := older.Read(both.Write(tok)); ok {
		t.Error("the second secret signed")
	}
}

// The whole secret counts, not its first 32 bytes.
func TestSecretsThatDifferInTheEndDiffer(t *testing.T) {
	a, b := bytes.Repeat([]byte{1}, 64), bytes.Repeat([]byte{1}, 64)
	b[63]++
	var read [2]*token.Keys
	for i, root := range [][]byte{a, b} {
		s, err := token.NewSecrets(root)
		if err != nil {
			t.Fatal(err)
		}
		if read[i], err = s.For("/alpha"); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := read[1].Read(read[0].Write(examples()[0])); ok {
		t.Error("only the beginning of the secret counts")
	}
}

func TestNewSecretsRefusesShortMissingAndRepeatedOnes(t *testing.T) {
	long := bytes.Repeat([]byte{1}, 32)
	for name, list := range map[string][][]byte{"none": nil, "short": {long[:31]}, "repeated": {long, long}} {
		if _, err := token.NewSecrets(list...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAccessSecretDoesNotTellTheRefreshSecret(t *testing.T) {
	s := token.NewSecret()
	if s.Access() == s || s.Access().Digest() == s.Digest() {
		t.Error("the access secret is not a function of the refresh secret of its own")
	}
}

func FuzzRead(f *testing.F) {
	k := keys(f, "/alpha", 1)
	for _, tok := range examples() {
		f.Add(k.Write(tok))
	}
	f.Add("at_")
	f.Add(strings.Repeat("A", 500))
	f.Fuzz(func(t *testing.T, text string) {
		if tok, ok := k.Read(text); ok && k.Write(tok) != text {
			t.Errorf("%q has a second spelling", text)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	k, tok := keys(b, "/alpha", 1), examples()[1]
	b.ReportAllocs()
	for b.Loop() {
		k.Write(tok)
	}
}

func BenchmarkRead(b *testing.B) {
	k := keys(b, "/alpha", 1)
	text := k.Write(examples()[1])
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := k.Read(text); !ok {
			b.Fatal("refused")
		}
	}
}

func TestAccessSecretIsAnHMAC(t *testing.T) {
	for range 100 {
		s := token.NewSecret()
		h := hmac.New(sha256.New, s[:])
		h.Write([]byte("ropcd access secret"))
		if got, want := s.Access(), token.Secret(h.Sum(nil)[:16]); got != want {
			t.Fatalf("%x, want %x", got, want)
		}
	}
}

package token_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/ropcd/ropcd/pkg/token"
)

func sealer(t testing.TB, purpose string, secrets ...string) *token.Sealer {
	t.Helper()
	var list [][]byte
	for _, s := range secrets {
		list = append(list, bytes.Repeat([]byte(s), token.MinSecret))
	}
	all, err := token.NewSecrets(list...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := all.Sealer(purpose)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSealerOpensForTheSameOwnerOnly(t *testing.T) {
	s := sealer(t, "seeds", "a")
	seed := []byte("12345678901234567890")
	sealed := s.Seal("/alpha", "id-1", seed)
	if got, current, err := s.Open("/alpha", "id-1", sealed); !bytes.Equal(got, seed) || !current || err != nil {
		t.Fatalf("%q, %t, %v", got, current, err)
	}
	if bytes.Contains(sealed, seed) || bytes.Equal(sealed, s.Seal("/alpha", "id-1", seed)) {
		t.Error("sealed values show the seed, or are equal")
	}
	for _, other := range [][2]string{{"/alpha", "id-2"}, {"/beta", "id-1"}, {"/alphai", "d-1"}, {"", "/alphaid-1"}} {
		if got, _, err := s.Open(other[0], other[1], sealed); !errors.Is(err, token.ErrSealed) || got != nil {
			t.Errorf("%v: %q, %v", other, got, err)
		}
	}
	if _, _, err := sealer(t, "others", "a").Open("/alpha", "id-1", sealed); !errors.Is(err, token.ErrSealed) {
		t.Errorf("for another purpose: %v", err)
	}
}

func TestSealerNoticesEveryChange(t *testing.T) {
	s := sealer(t, "seeds", "a")
	sealed := s.Seal("/alpha", "id-1", []byte("seed"))
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if _, _, err := s.Open("/alpha", "id-1", changed); !errors.Is(err, token.ErrSealed) {
				t.Errorf("byte %d, bit %d: %v", i, bit, err)
			}
		}
		if _, _, err := s.Open("/alpha", "id-1", sealed[:i]); !errors.Is(err, token.ErrSealed) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
}

// The rotation of system secrets: append, move to the front, drop.
func TestSealerFollowsTheListOfSecrets(t *testing.T) {
	sealed := sealer(t, "seeds", "a").Seal("/alpha", "id-1", []byte("seed"))
	for _, tt := range []struct {
		secrets []string
		current bool
		err     error
	}{
		{[]string{"a", "b"}, true, nil},
		{[]string{"b", "a"}, false, nil},
		{[]string{"b"}, false, token.ErrSealed},
	} {
		got, current, err := sealer(t, "seeds", tt.secrets...).Open("/alpha", "id-1", sealed)
		if current != tt.current || !errors.Is(err, tt.err) || (err == nil) != (string(got) == "seed") {
			t.Errorf("%v: %q, %t, %v", tt.secrets, got, current, err)
		}
	}
}

func TestSealedValueNamesItsSecret(t *testing.T) {
	ids := map[[4]byte]bool{}
	for _, secret := range []string{"a", "b"} {
		all, err := token.NewSecrets(bytes.Repeat([]byte(secret), token.MinSecret))
		if err != nil {
			t.Fatal(err)
		}
		sealed := sealer(t, "seeds", secret, "c").Seal("/alpha", "id-1", []byte("seed"))
		id, ok := token.SealedUnder(sealed)
		if !ok || id != all.IDs()[0] {
			t.Errorf("%s: %x, %t", secret, id, ok)
		}
		ids[id] = true
		sealed[0]++
		for name, junk := range map[string][]byte{"nothing": nil, "cut short": sealed[:4], "another version": sealed} {
			if id, ok := token.SealedUnder(junk); ok || id != [4]byte{} {
				t.Errorf("%s: %x, %t", name, id, ok)
			}
		}
	}
	if len(ids) != 2 {
		t.Errorf("%d different ids", len(ids))
	}
}

func FuzzSealer(f *testing.F) {
	s := sealer(f, "seeds", "a")
	f.Add(s.Seal("/alpha", "id-1", []byte("seed")))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if secret, _, err := s.Open("/alpha", "id-2", sealed); err == nil {
			t.Fatalf("opened %x as %q", sealed, secret)
		}
	})
}

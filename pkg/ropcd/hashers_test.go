package ropcd_test

import (
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/ropcd"
)

// reversed is a hasher of one's own.
type reversed struct {
	name string
	made *int
}

func (r reversed) Name() string                              { return r.name }
func (reversed) Matches(encoded string) bool                 { return strings.HasPrefix(encoded, "$reversed$") }
func (reversed) Check(string) error                          { return nil }
func (reversed) Verify(given []byte, e string) (bool, error) { return string(given) == e[10:], nil }
func (reversed) Current(string) bool                         { return true }

func (r reversed) Hash(given []byte) (string, error) {
	*r.made++
	return "$reversed$" + string(given), nil
}

// The one with the name that the configuration asks for makes new hashes; one with a name of its own only verifies.
func TestHasherOfOnesOwnTakesThePlaceOfItsNamesake(t *testing.T) {
	for _, tc := range []struct {
		name  string
		makes bool
	}{{"argon2id", true}, {"bcrypt", false}, {"reversed", false}} {
		t.Run(tc.name, func(t *testing.T) {
			made := 0
			in := install(t)
			in.options = ropcd.Options{Hashers: []password.Hasher{reversed{tc.name, &made}}}
			if status := in.serve().end(); status != 0 || (made > 0) != tc.makes {
				t.Errorf("exit status %d, %d hashes made", status, made)
			}
		})
	}
}

func TestTwoHashersOfOneNameAreRefused(t *testing.T) {
	for _, name := range []string{"argon2id", "reversed"} {
		made := 0
		in := install(t)
		in.options = ropcd.Options{Hashers: []password.Hasher{reversed{name, &made}, reversed{name, &made}}}
		in.refuses(name + " twice")
	}
}

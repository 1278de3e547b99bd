package password_test

import (
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/password"
)

func TestSecretIsBoundToRealmAndClient(t *testing.T) {
	secret := password.NewSecret()
	encoded := password.HashSecret("/alpha", "app", secret)
	if strings.Contains(encoded, secret) {
		t.Fatal("the hash contains the secret")
	}
	for _, tt := range []struct {
		realm, client, secret string
		want                  bool
	}{
		{"/alpha", "app", secret, true},
		{"/beta", "app", secret, false},
		{"/alpha", "app2", secret, false},
		{"/alphaa", "pp", secret, false},
		{"/alpha", "app", secret + "x", false},
		{"/alpha", "app", "", false},
	} {
		if got, known := password.VerifySecret(tt.realm, tt.client, tt.secret, encoded); got != tt.want || !known {
			t.Errorf("VerifySecret(%q, %q) = %v, %v; want %v, true", tt.realm, tt.client, got, known, tt.want)
		}
	}
}

func TestVerifySecretRefusesOtherForms(t *testing.T) {
	good := password.HashSecret("/alpha", "app", "s")
	for _, encoded := range []string{"", "$2a$04$x", good[:len(good)-1], good + "A", good[:20] + "\n" + good[20:], strings.ToUpper(good)} {
		if ok, _ := password.VerifySecret("/alpha", "app", "s", encoded); ok {
			t.Errorf("VerifySecret accepts %q", encoded)
		}
	}
}

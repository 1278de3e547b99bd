package nodes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

// Another implementation reads from the URL what was meant.
func TestAuthenticatorURL(t *testing.T) {
	for _, tt := range []struct {
		issuer, username, algorithm string
		digits                      int
		period                      time.Duration
		size                        int
	}{
		{"alpha", "demo", "SHA1", 6, 30 * time.Second, 20},
		{"alpha/emea", "demo@example.com", "SHA256", 8, time.Minute, 32},
		{"A & B = C+D", "a+b&c=d/e?f#g%20", "SHA512", 6, 5 * time.Minute, 64},
		{"Söhne", "żółw", "SHA1", 6, 15 * time.Second, 20},
	} {
		v := nodes.NewOATHTokenVerifier()
		v.Algorithm, v.Digits, v.Period = tt.algorithm, tt.digits, tt.period
		text := v.AuthenticatorURL(tt.issuer, tt.username, []byte(seed20))
		key, err := otp.NewKeyFromURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, query, _ := strings.Cut(text, "?"); strings.Contains(query, "+") {
			t.Errorf("%s: authenticators would show the plus", text)
		}
		if key.Type() != "totp" || key.Issuer() != tt.issuer || key.AccountName() != tt.username {
			t.Errorf("%s for %q of %q", key, key.AccountName(), key.Issuer())
		}
		if key.Secret() != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || key.Period() != uint64(tt.period/time.Second) ||
			key.Digits() != otp.Digits(tt.digits) || key.Algorithm().String() != tt.algorithm {
			t.Errorf("%s", key)
		}
		if v.SeedSize() != tt.size {
			t.Errorf("%s: a seed of %d bytes", tt.algorithm, v.SeedSize())
		}
	}
}

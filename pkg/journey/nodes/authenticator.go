package nodes

import (
	"encoding/base32"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SeedSize is how many bytes a new seed has: as many as the algorithm puts out (RFC 6238 section 5.1).
func (v *OATHTokenVerifier) SeedSize() int {
	return map[string]int{"SHA1": 20, "SHA256": 32, "SHA512": 64}[v.Algorithm]
}

// AuthenticatorURL is the otpauth:// URL that tells an authenticator the seed and these settings, as a QR code has it. The
// issuer, who is asking, and the owner's name are what the authenticator shows. An issuer must not hold a colon.
//
// pquerna/otp has it too, and cuts an issuer with an ampersand in two.
func (v *OATHTokenVerifier) AuthenticatorURL(issuer, username string, seed []byte) string {
	query := url.Values{
		"secret":    {base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)},
		"issuer":    {issuer},
		"algorithm": {v.Algorithm},
		"digits":    {strconv.Itoa(v.Digits)},
		"period":    {strconv.Itoa(int(v.Period / time.Second))},
	}
	// Authenticators take a plus for a plus.
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(username) + "?" +
		strings.ReplaceAll(query.Encode(), "+", "%20")
}

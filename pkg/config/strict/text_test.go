package strict_test

import (
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "500ms": 500 * time.Millisecond, "90s": 90 * time.Second, "1h30m": 90 * time.Minute,
		"7d": 7 * 24 * time.Hour, "1d1h1m1s1ms": 25*time.Hour + time.Minute + time.Second + time.Millisecond,
		"36500d": 36500 * 24 * time.Hour,
	} {
		if got, err := strict.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "1", "00", "never", "-1", "-1s", "+1s", "1.5h", "1 h", "1H", "1m1h", "1s1s", "1us", "1w", " 1s", "1s\n", "s",
		"36500d1ms", "36501d", "99999999999999999999d", "9223372036854775807ms", "١s",
	} {
		if got, err := strict.ParseDuration(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"0", "1h30m", "7d", "500ms", "3600", "1.5h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := strict.ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := strict.ParseDuration(strict.FormatDuration(d)); err != nil || again != d || d < 0 {
			t.Errorf("%q is %v, which is read as %v (%v)", s, d, again, err)
		}
	})
}

func TestSuggest(t *testing.T) {
	known := []string{"listen", "base_url", "trusted_proxies", "secret_file", "secret_hash", "on"}
	for written, want := range map[string]string{
		"lisen": "listen", "lsiten": "listen", "LISTEN": "listen", "base-url": "base_url", "baseUrl": "base_url",
		"trusted_proxy": "trusted_proxies", "secret": "secret_file", "x": "", "": "", "completely": "",
	} {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		if got := strict.Suggest(written, known); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}

func TestSecretNames(t *testing.T) {
	for key, want := range map[string]bool{
		"secret": true, "client_secret": true, "secret_hash": true, "password": true, "bind_password": true,
		"bind-password": true, "PASSWORD": true, "token": true, "access_token": true, "api_key": true, "private_key": true,
		"secret_file": false, "password_file": false, "password_hashing": false, "secrets": false, "key_file": false,
		"issue_refresh_token": false, "access_token_lifetime": false, "tokeninfo": false, "key_prefix": false,
	} {
		if got := strict.Secret(key); got != want {
			t.Errorf("Secret(%q) = %v", key, got)
		}
	}
}

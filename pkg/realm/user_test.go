package realm_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/secure/precis"

	"github.com/ropcd/ropcd/pkg/realm"
)

func TestUsernameHasOneSpellingPerOwner(t *testing.T) {
	for _, tc := range []struct{ name, typed, want string }{
		{"plain", "alice", "alice"},
		{"capitals", "ALICE", "alice"},
		{"mixed", "Alice", "alice"},
		{"full width", "ａｌｉｃｅ", "alice"},
		{"full width capitals", "ＡＬＩＣＥ", "alice"},
		{"mail address", "Alice@Example.ORG", "alice@example.org"},
		{"full width at", "alice＠example.org", "alice@example.org"},
		{"kelvin sign", "K\u212a", "kk"},
		{"angstrom sign", "\u212bse", "åse"},
		{"decomposed", "e\u0301va", "éva"},
		{"composed", "\u00c9va", "éva"},
		{"sharp s", "STRA\u1e9eE", "straße"},
		{"greek", "ΣΊΣΥΦΟΣ", "σίσυφοσ"},
		{"right to left", "שלום", "שלום"},
		{"right to left with a digit", "שלום1", "שלום1"},
		{"every mark", "!#$%&'*+-/=?^_`{|}~", "!#$%&'*+-/=?^_`{|}~"},
		{"cyrillic stays itself", "аlice", "аlice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, ok := realm.Username(tc.typed); !ok || got != tc.want {
				t.Errorf("Username(%q) = %q, %v, want %q", tc.typed, got, ok, tc.want)
			}
		})
	}
}

func TestUsernameRefusesWhatCanBeNoName(t *testing.T) {
	for name, typed := range map[string]string{
		"empty": "", "space": "a b", "leading space": " alice", "trailing space": "alice ", "no-break space": "a\u00a0b",
		"ideographic space": "a\u3000b", "tab": "a\tb", "line feed": "alice\n", "carriage return": "alice\r\nX: y",
		"NUL": "alice\x00", "DEL": "alice\x7f", "C1": "alice\u0085", "zero width space": "ali\u200bce",
		"zero width joiner": "ali\u200dce", "zero width non-joiner": "ali\u200cce", "byte order mark": "\ufeffalice",
		"bidi override": "\u202eecila", "bidi isolate": "\u2066alice\u2069", "soft hyphen": "ali\u00adce", "variation selector": "alice\ufe0f",
		"mixed direction": "שalice", "digit before right to left": "1ש", "long s": "\u017f", "ligature": "\ufb01n", "roman numeral": "\u2163",
		"invalid UTF-8": "ali\xffce", "surrogate": "\xed\xa0\x80", "overlong": "\xc0\xaf", "unassigned": "\u0378", "private": "\ue000",
		"emoji": "alice😀", "too long": strings.Repeat("a", realm.MaxUsername+1), "too long by bytes": strings.Repeat("é", realm.MaxUsername/2+1),
	} {
		if got, ok := realm.Username(typed); ok || got != "" {
			t.Errorf("%s: Username(%q) = %q, %v", name, typed, got, ok)
		}
	}
}

func TestUsernameMayBeAsLongAsAllowed(t *testing.T) {
	for _, name := range []string{strings.Repeat("a", realm.MaxUsername), strings.Repeat("é", realm.MaxUsername/2)} {
		if got, ok := realm.Username(name); !ok || got != name {
			t.Errorf("%d bytes: %v", len(name), ok)
		}
	}
}

// A letter that grows when it is mapped must not carry a name over the limit.
func TestUsernameIsBoundedAfterMappingToo(t *testing.T) {
	name := strings.Repeat("\u0130", realm.MaxUsername/2) // two bytes, its lower case three
	if got, ok := realm.Username(name); ok {
		t.Errorf("%d bytes become %d", len(name), len(got))
	}
}

// The short way for plain ASCII must never differ from the profile. All strings of one and two bytes, and every byte
// between, before and after others: the profile's rules look at neighbours at most.
func TestUsernameAgreesWithTheProfileForAllASCII(t *testing.T) {
	check := func(name string) {
		want, err := precis.UsernameCaseMapped.String(name)
		if got, ok := realm.Username(name); ok != (err == nil) || got != want {
			t.Fatalf("Username(%q) = %q, %v; the profile says %q, %v", name, got, ok, want, err)
		}
	}
	for a := range 128 {
		check(string(rune(a)))
		check("ab" + string(rune(a)) + "yz")
		for b := range 128 {
			check(string([]byte{byte(a), byte(b)}))
		}
	}
}

func TestUsernameIsSafeForConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got, _ := realm.Username("ＡＬＩＣＥ\u212b"); got != "aliceå" {
					t.Errorf("got %q", got)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestUserExpiresAtTheMomentItself(t *testing.T) {
	at := time.Unix(1700000000, 0)
	for _, tc := range []struct {
		name    string
		expires time.Time
		want    bool
	}{
		{"never", time.Time{}, false},
		{"just not yet", at.Add(time.Nanosecond), false},
		{"now", at, true},
		{"long ago", at.Add(-time.Hour), true},
	} {
		if got := (&realm.User{Expires: tc.expires}).Expired(at); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func FuzzUsername(f *testing.F) {
	for _, s := range []string{"alice", "ＡＬＩＣＥ", "e\u0301va", "שלום1", "\u0130stanbul", "a b", "\xff", "l·l", "ΣΑΣ", "ͅα"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, ok := realm.Username(typed)
		if !ok {
			if name != "" {
				t.Fatalf("refused, but %q", name)
			}
			return
		}
		if name == "" || len(name) > realm.MaxUsername || strings.ContainsAny(name, " \x00\r\n") {
			t.Fatalf("%q becomes %q", typed, name)
		}
		if again, ok := realm.Username(name); !ok || again != name {
			t.Fatalf("%q becomes %q, and that %q, %v", typed, name, again, ok)
		}
		if upper, ok := realm.Username(strings.ToUpper(name)); ok && strings.ToLower(name) == name && isASCII(name) && upper != name {
			t.Fatalf("%q in capitals is %q", name, upper)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > '~' }) < 0
}

func TestCloneSharesNothing(t *testing.T) {
	full := func() *realm.User {
		return &realm.User{
			Realm: "/alpha", ID: "id-1", Username: "amelie", Source: "directory", PasswordHash: "$h", PasswordSet: time.Unix(1, 0),
			Seed: []byte("sealed"), Enabled: true, Expires: time.Unix(2, 0), Attributes: map[string]string{"mail": "a"},
			Created: time.Unix(3, 0), Version: 4, Login: realm.Login{Failures: 5, Logins: 6, CodeStep: 7},
		}
	}
	u := full()
	c := u.Clone()
	if diff := cmp.Diff(u, c); diff != "" {
		t.Error(diff)
	}
	c.Seed[0], c.Attributes["mail"] = 'x', "changed"
	if diff := cmp.Diff(full(), u); diff != "" {
		t.Errorf("the copy changed the owner: %s", diff)
	}
	if c := (&realm.User{}).Clone(); c.Seed != nil || c.Attributes != nil {
		t.Errorf("nothing becomes %+v", c)
	}
}

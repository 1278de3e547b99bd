package admin_test

import (
	"context"
	"encoding/base32"
	"errors"
	"iter"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// seedOf is the seed that the store keeps for a user, opened.
func (s *server) seedOf(name string, seeds admin.Seeds) (seed []byte, current bool) {
	s.t.Helper()
	u, err := s.store.UserByName(s.t.Context(), "/alpha", name)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(u.Seed) == 0 {
		return nil, true
	}
	seed, current, err = seeds.Open(u.Realm, u.ID, u.Seed)
	if err != nil {
		s.t.Fatal(err)
	}
	return seed, current
}

func (s *server) enrol(in admin.Enrolment) admin.Enrolled {
	s.t.Helper()
	return do[admin.Enrolled](s, "user/totp/enrol", in)
}

func TestEnrolmentGivesAnAuthenticatorWhatItNeeds(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	for name, tt := range map[string]struct {
		in    admin.Enrolment
		label string
		size  int
		query url.Values
	}{
		"defaults": {admin.Enrolment{}, "/alpha:demo", 20, url.Values{
			"issuer": {"alpha"}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA1"},
		}},
		"SHA256": {admin.Enrolment{Issuer: "Example & Söhne", Digits: 8, Period: admin.Lifetime(60e9), Algorithm: "SHA256"}, "/Example & Söhne:demo", 32, url.Values{
			"issuer": {"Example & Söhne"}, "digits": {"8"}, "period": {"60"}, "algorithm": {"SHA256"},
		}},
		"SHA512": {admin.Enrolment{Algorithm: "SHA512"}, "/alpha:demo", 64, url.Values{
			"issuer": {"alpha"}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA512"},
		}},
	} {
		tt.in.UserRef, tt.in.Replace = userRef("DEMO"), true
		got := s.enrol(tt.in)
		u, err := url.Parse(got.URL)
		if err != nil {
			t.Fatal(err)
		}
		tt.query.Set("secret", got.Secret)
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != tt.label || strings.Contains(got.URL, "+") {
			t.Errorf("%s: %s", name, got.URL)
		}
		if d := cmp.Diff(tt.query, u.Query()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		seed, current := s.seedOf("demo", sealer(t, "system-secret-canary"))
		if len(seed) != tt.size || !current || base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed) != got.Secret {
			t.Errorf("%s: the store has %x, the user %s", name, seed, got.Secret)
		}
		if !got.User.SecondFactor || got.User.Username != "demo" || !do[admin.User](s, "user/show", userRef("demo")).SecondFactor {
			t.Errorf("%s: %+v", name, got.User)
		}
	}
}

func TestEnrolmentTakesASeedThatIsBroughtAlong(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	for secret, want := range map[string]string{
		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ":        "12345678901234567890",
		"gezd gnbv gy3t qojq gezd gnbv gy3t qojq": "12345678901234567890",
		"GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY":           "1234567890123456",
		"GEZDGNBV\r\nGY3TQOJQGEZDGNBVGY3TQOJQ\n":  "12345678901234567890",
		"GEZDGNBVGY3TQOJQGEZDGNBVGY======":        "1234567890123456",
	} {
		got := s.enrol(admin.Enrolment{UserRef: userRef("demo"), Secret: secret, Replace: true})
		seed, _ := s.seedOf("demo", sealer(t, "system-secret-canary"))
		if string(seed) != want || !strings.Contains(got.URL, "secret="+got.Secret) {
			t.Errorf("%s: %s", secret, seed)
		}
	}
}

func TestEnrolmentThatCanNotBeIsRefused(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	const canary = "CANARYCANARYCANARYCANARYCANARY"
	for name, tt := range map[string]struct {
		in   admin.Enrolment
		want string
	}{
		"digits":         {admin.Enrolment{Digits: 7}, "digits: must be 6 or 8"},
		"period":         {admin.Enrolment{Period: admin.Lifetime(10e9)}, "period: must be from 15s"},
		"no period":      {admin.Enrolment{Period: admin.Lifetime(realm.Never)}, "period: must be from 15s"},
		"algorithm":      {admin.Enrolment{Algorithm: "MD5"}, "algorithm: must be SHA1"},
		"colon":          {admin.Enrolment{Issuer: "a:b"}, "an issuer has"},
		"line":           {admin.Enrolment{Issuer: "a\nb"}, "an issuer has"},
		"long issuer":    {admin.Enrolment{Issuer: strings.Repeat("a", 65)}, "an issuer has"},
		"no base32":      {admin.Enrolment{Secret: canary + "1"}, "the secret is not base32"},
		"cut short":      {admin.Enrolment{Secret: canary}, "the secret is not base32"},
		"padded within":  {admin.Enrolment{Secret: canary + "==AA"}, "the secret is not base32"},
		"short":          {admin.Enrolment{Secret: "GEZDGNBVGY3TQOJQGEZDGNBV"}, "the secret has 15 bytes, not 16 to 128"},
		"nothing":        {admin.Enrolment{Secret: "===="}, "the secret has 0 bytes"},
		"long":           {admin.Enrolment{Secret: strings.Repeat("A", 208)}, "the secret has 130 bytes"},
		"another script": {admin.Enrolment{Secret: strings.Repeat("ſ", 32)}, "the secret is not base32"},
	} {
		tt.in.UserRef = userRef("demo")
		text := s.refused(admin.CodeInvalid, "user/totp/enrol", tt.in)
		if !strings.Contains(text, tt.want) || strings.Contains(text, "CANARY") {
			t.Errorf("%s: %s", name, text)
		}
	}
	s.refused(admin.CodeNotFound, "user/totp/enrol", admin.Enrolment{UserRef: userRef("nobody")})
	s.refused(admin.CodeNotFound, "user/totp/remove", userRef("demo"))
	s.refused(admin.CodeNotFound, "user/totp/reseal", admin.InRealm{Realm: "beta"})
	if seed, _ := s.seedOf("demo", nil); seed != nil || len(s.events()) != 1 {
		t.Errorf("a refusal left %x, %d events", seed, len(s.events()))
	}

	bare := newServer(t, func(o *admin.Options) { o.Seeds = nil })
	bare.user("demo")
	bare.refused(admin.CodeInvalid, "user/totp/enrol", admin.Enrolment{UserRef: userRef("demo")})
	bare.refused(admin.CodeInvalid, "user/totp/reseal", alpha)
}

// The attack: whoever makes an administrator enrol again gets the second factor, unless it was meant.
func TestSecondFactorIsReplacedOnPurposeOnly(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	first := s.enrol(admin.Enrolment{UserRef: userRef("demo")})
	s.refused(admin.CodeExists, "user/totp/enrol", admin.Enrolment{UserRef: userRef("demo")})
	if seed, _ := s.seedOf("demo", sealer(t, "system-secret-canary")); base32.StdEncoding.EncodeToString(seed) != first.Secret {
		t.Error("the refusal replaced the seed")
	}
	second := s.enrol(admin.Enrolment{UserRef: userRef("demo"), Replace: true})
	if seed, _ := s.seedOf("demo", sealer(t, "system-secret-canary")); first.Secret == second.Secret || base32.StdEncoding.EncodeToString(seed) != second.Secret {
		t.Error("the seed was not replaced")
	}
}

func TestSecondFactorComesAndGoesWithoutEndingGrants(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	grant, _, _ := s.login("demo", "batch")
	s.enrol(admin.Enrolment{UserRef: userRef("demo")})
	s.enrol(admin.Enrolment{UserRef: userRef("demo"), Replace: true})
	do[admin.UserAnswer](s, "user/update", admin.UserChange{UserRef: userRef("demo"), Attributes: map[string]string{"a": "b"}})
	if !do[admin.User](s, "user/show", userRef("demo")).SecondFactor {
		t.Error("another change removed it")
	}
	if u := do[admin.UserAnswer](s, "user/totp/remove", userRef("demo")); u.SecondFactor {
		t.Errorf("removed: %+v", u)
	}
	if seed, _ := s.seedOf("demo", nil); seed != nil || !s.alive(grant) {
		t.Errorf("seed %x, the grant lives: %t", seed, s.alive(grant))
	}
	var reasons []string
	for _, e := range s.events()[1:] {
		if e.Event != audit.EventAdmin || e.Outcome != audit.Success || e.Username != "demo" || e.Subject == "" || e.Realm != "/alpha" {
			t.Errorf("audited as %+v", e)
		}
		reasons = append(reasons, e.Reason)
	}
	if d := cmp.Diff([]string{"user_totp_enrol", "user_totp_enrol", "user_update", "user_totp_remove"}, reasons); d != "" {
		t.Error(d)
	}
}

// Rotation: what the old secret sealed is under the new one afterwards, and the old one can go.
func TestResealPutsSeedsUnderTheFirstSecret(t *testing.T) {
	const oldSecret, newSecret = "system-secret-canary", "second-system-secret"
	s := newServer(t, func(o *admin.Options) { o.Seeds = sealer(t, newSecret, oldSecret) })
	for _, name := range []string{"bare", "old", "new", "lost", "contended", "gone", "stripped"} {
		s.user(name)
	}
	seal := func(name string, seeds admin.Seeds) {
		s.alter(name, func(u *realm.User) { u.Seed = seeds.Seal(u.Realm, u.ID, []byte("seed of "+name)) })
	}
	for _, name := range []string{"old", "contended", "gone", "stripped"} {
		seal(name, sealer(t, oldSecret))
	}
	seal("new", sealer(t, newSecret))
	seal("lost", sealer(t, "forgotten-system-secret"))
	s.store.updateUser = func(ctx context.Context, u *realm.User, end bool) error {
		theirs := s.store.updateUser
		s.store.updateUser = nil
		defer func() { s.store.updateUser = theirs }()
		switch u.Username {
		case "contended":
			theirs = nil // only the first time
			s.alter(u.Username, func(u *realm.User) { u.Attributes = map[string]string{"theirs": "1"} })
		case "gone":
			if err := s.store.DeleteUser(ctx, u.Realm, u.Username); err != nil {
				t.Error(err)
			}
		case "stripped":
			s.alter(u.Username, func(u *realm.User) { u.Seed = nil })
		}
		return s.store.Store.UpdateUser(ctx, u, end)
	}
	grant, _, _ := s.login("old", "batch")

	if d := cmp.Diff(admin.Resealed{Resealed: 2, Current: 1, Unreadable: 1}, do[admin.Resealed](s, "user/totp/reseal", alpha)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, name := range []string{"old", "new", "contended"} {
		if seed, current := s.seedOf(name, sealer(t, newSecret)); string(seed) != "seed of "+name || !current {
			t.Errorf("%s: %q, %t", name, seed, current)
		}
	}
	u := do[admin.User](s, "user/show", userRef("contended"))
	if u.Attributes["theirs"] != "1" || do[admin.User](s, "user/show", userRef("stripped")).SecondFactor || !s.alive(grant) {
		t.Errorf("others' changes are lost: %+v", u)
	}
	if d := cmp.Diff(admin.Resealed{Current: 3, Unreadable: 1}, do[admin.Resealed](s, "user/totp/reseal", alpha)); d != "" {
		t.Errorf("again (-want +got):\n%s", d)
	}
	if e := s.events(); e[len(e)-1].Reason != "user_totp_reseal" || e[len(e)-1].Realm != "/alpha" {
		t.Errorf("audited as %+v", e[len(e)-1])
	}
}

// alter changes a user as another administrator would.
func (s *server) alter(name string, f func(u *realm.User)) {
	s.t.Helper()
	u, err := s.store.Store.UserByName(s.t.Context(), "/alpha", name)
	if err != nil {
		s.t.Fatal(err)
	}
	f(u)
	if err := s.store.Store.UpdateUser(s.t.Context(), u, false); err != nil {
		s.t.Fatal(err)
	}
}

func TestResealOutlivesDamageAndTellsOfFaults(t *testing.T) {
	s := newServer(t)
	s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
		return func(yield func(*realm.User, error) bool) {
			_ = yield(nil, storage.ErrDamaged) && yield(&realm.User{Seed: []byte("garbage")}, nil) && yield(&realm.User{}, nil)
		}
	}
	if d := cmp.Diff(admin.Resealed{Unreadable: 2}, do[admin.Resealed](s, "user/totp/reseal", alpha)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
		return func(yield func(*realm.User, error) bool) { yield(nil, storage.ErrUnavailable) }
	}
	if text := s.refused(admin.CodeUnavailable, "user/totp/reseal", alpha); !strings.Contains(text, "0 seeds are sealed anew, do it again") {
		t.Error(text)
	}
	s.store.users = nil

	old := newServer(t, func(o *admin.Options) { o.Seeds = sealer(t, "second-system-secret", "system-secret-canary") })
	old.user("demo")
	old.alter("demo", func(u *realm.User) { u.Seed = sealer(t, "system-secret-canary").Seal(u.Realm, u.ID, []byte("seed")) })
	for fault, code := range map[error]string{
		storage.ErrConflict: admin.CodeUnavailable, storage.ErrUnavailable: admin.CodeUnavailable, errors.New("else"): admin.CodeInternal,
	} {
		old.store.updateUser = func(context.Context, *realm.User, bool) error { return fault }
		if text := old.refused(code, "user/totp/reseal", alpha); !strings.Contains(text, "do it again") {
			t.Errorf("%v: %s", fault, text)
		}
		if e := old.events(); e[len(e)-1].Outcome != audit.Fault {
			t.Errorf("%v: audited as %+v", fault, e[len(e)-1])
		}
	}
}

// Two administrators enrol one user at once: one of them is told.
func TestEnrolmentsAtOnce(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	s.store.updateUser = func(ctx context.Context, u *realm.User, end bool) error {
		s.store.updateUser = nil
		s.enrol(admin.Enrolment{UserRef: userRef("demo")})
		return s.store.Store.UpdateUser(ctx, u, end)
	}
	s.refused(admin.CodeExists, "user/totp/enrol", admin.Enrolment{UserRef: userRef("demo")})
}

// Nothing that could compute a code is anywhere but in the one answer to the enrolment.
func TestSeedsAreNowhere(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	const mine = "CANARYCANARYCANARYCANARYCANARYCA"
	brought := s.enrol(admin.Enrolment{UserRef: userRef("demo"), Secret: mine})
	made := s.enrol(admin.Enrolment{UserRef: userRef("demo"), Replace: true})
	s.refused(admin.CodeExists, "user/totp/enrol", admin.Enrolment{UserRef: userRef("demo"), Secret: mine})
	s.refused(admin.CodeInvalid, "user/totp/enrol", admin.Enrolment{UserRef: userRef("demo"), Secret: mine + "1"})
	s.refused(admin.CodeInvalid, "user/totp/enrol", admin.Enrolment{UserRef: userRef("demo"), Secret: mine, Digits: 1})
	s.post("POST", "/v1/user/totp/enrol", `{"realm":"alpha","username":"demo","secret":["`+mine+`"]}`)
	s.store.updateUser = func(context.Context, *realm.User, bool) error { return errors.New("broken") }
	s.refused(admin.CodeInternal, "user/totp/enrol", admin.Enrolment{UserRef: userRef("demo"), Secret: mine, Replace: true})
	s.store.updateUser = nil
	do[admin.User](s, "user/show", userRef("demo"))
	all[admin.User](s, "user/list", alpha)
	do[admin.Resealed](s, "user/totp/reseal", alpha)
	do[admin.UserAnswer](s, "user/totp/remove", userRef("demo"))

	answers := s.answers.String()
	for _, once := range []string{brought.Secret, made.Secret} {
		if n := strings.Count(answers, once); n != 2 { // once in the URL
			t.Errorf("a seed is answered %d times", n)
		}
		answers = strings.ReplaceAll(answers, once, "")
	}
	seed, err := base32.StdEncoding.DecodeString(mine)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"answers": answers, "audit": s.audit.String(), "log": s.log.String()}
	if !strings.Contains(places["audit"], "user_totp_enrol") || !strings.Contains(places["log"], "broken") {
		t.Fatal("the places are not those that were meant")
	}
	for place, text := range places {
		for _, secret := range []string{"CANARY", made.Secret, string(seed)} {
			if strings.Contains(text, secret) {
				t.Errorf("a seed is in the %s", place)
			}
		}
		if strings.Contains(text, "otpauth") != (place == "answers") {
			t.Errorf("a URL is in the %s, or none in the answers", place)
		}
	}
}

// What is read is a seed that comes out as it went in, and no refusal quotes what was written.
func FuzzReadSeed(f *testing.F) {
	for _, text := range []string{"", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "gezd gnbv-gy3t qojq gezd gnbv gy3t qojq==", "GEZ\nDGN", "0189", "ſſſſſſſſ"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seed, err := admin.ReadSeed(text)
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Errorf("%v quotes it", err)
			}
			return
		}
		again, err := admin.ReadSeed(base32.StdEncoding.EncodeToString(seed))
		if err != nil || string(again) != string(seed) || len(seed) < 16 || len(seed) > 128 {
			t.Errorf("%q: %x, again %x, %v", text, seed, again, err)
		}
	})
}

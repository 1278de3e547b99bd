package directory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
)

func TestCheckTellsLockedAndExpired(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	long := "20000101000000Z"
	s.AddUser("tried", password, nil)
	s.AddUser("locked", password, map[string][]string{"pwdAccountLockedTime": {"000001010000Z"}})
	s.AddUser("expired", password, map[string][]string{"pwdPolicySubentry": {directorytest.PolicyExpiry}, "pwdChangedTime": {long}})
	s.AddUser("fresh", password, map[string][]string{"pwdPolicySubentry": {directorytest.PolicyExpiry}})
	s.AddUser("grace", password, map[string][]string{"pwdPolicySubentry": {directorytest.PolicyGrace}, "pwdChangedTime": {long}})
	s.AddUser("reset", password, map[string][]string{"pwdReset": {"TRUE"}})
	d := open(t, options(s, s.TLSURL()))

	check(t, d, "tried", password, right)
	for range 3 {
		check(t, d, "tried", "wrong", no(directory.Wrong))
	}
	check(t, d, "tried", password, no(directory.Locked))
	check(t, d, "tried", "wrong", no(directory.Locked))

	check(t, d, "locked", password, no(directory.Locked))
	check(t, d, "expired", password, no(directory.Expired))
	check(t, d, "expired", "wrong", no(directory.Wrong))
	check(t, d, "fresh", password, right)
	check(t, d, "grace", password, right)
	check(t, d, "reset", password, no(directory.Expired))
	check(t, d, "reset", "wrong", no(directory.Wrong))
}

// ad is how Active Directory refuses a bind.
func ad(code string) string {
	return "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data " + code + ", v2580"
}

func TestCheckUnderstandsOtherDirectories(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{Answering: true})
	d := open(t, options(s, s.TLSURL()))
	for i, tc := range []struct {
		code int
		text string
		want directory.State
	}{
		{49, ad("52e"), directory.Wrong},
		{49, ad("525"), directory.Wrong},
		{49, ad("530"), directory.Locked},
		{49, ad("533"), directory.Locked},
		{49, ad("775"), directory.Locked},
		{49, ad("532"), directory.Expired},
		{49, ad("701"), directory.Expired},
		{49, ad("773"), directory.Expired},
		{49, ad("7730"), directory.Wrong},
		{49, "data 775, as the user would have it", directory.Wrong},
		{49, "", directory.Wrong},
		{48, "", directory.Wrong},
		{32, "", directory.Wrong},
		{19, "Exceed password retry limit. Please try later.", directory.Locked},
		{53, "Account inactivated. Contact system administrator.", directory.Locked},
	} {
		name := fmt.Sprint("user", i)
		s.AddUser(name, password, directorytest.Answering(tc.code, tc.text, 0))
		check(t, d, name, password, no(tc.want))
	}
	for code, reason := range map[int]string{
		1: "Operations Error", 8: "Strong Auth Required", 13: "Confidentiality Required", 14: "Sasl Bind In Progress",
		50: "Insufficient Access Rights", 51: "Busy", 52: "Unavailable", 53: "Unwilling To Perform", 80: "Other",
	} {
		name := fmt.Sprint("code", code)
		s.AddUser(name, password, directorytest.Answering(code, "", 0))
		unavailable(t, d, name, reason)
	}
}

// What a server says may name the user, and goes into logs.
func TestErrorsNameNobody(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{Answering: true})
	answering := directorytest.Answering(80, "zoe or "+password+" at fault", 0)
	answering["errMatchedDN"] = []string{"uid=zoe," + directorytest.People}
	s.AddUser("zoe", password, answering)
	s.AddUser("other", password, map[string][]string{"cn": {"zoe"}})
	gone := options(s, "ldap://127.0.0.1:1")
	refused := options(s, s.TLSURL())
	refused.BindPassword = "searching wrongly"
	both := options(s, s.TLSURL())
	both.Filter = "(cn={username})"
	silent := options(s, newRelay(t, "", nil).ldap())
	silent.Timeout = 50_000_000
	garbage := options(s, newRelay(t, "", []byte("zoe \x00\x01\x02 "+password)).ldap())
	garbage.Timeout = 500_000_000
	for what, o := range map[string]directory.Options{
		"bind": options(s, s.TLSURL()), "gone": gone, "refused": refused, "ambiguous": both, "silent": silent, "garbage": garbage,
	} {
		_, err := open(t, o).Check(t.Context(), "zoe", password)
		if err == nil {
			t.Errorf("%s: no error", what)
			continue
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			for _, secret := range []string{"zoe", password, directorytest.BindPassword, "searching wrongly", "people", "uid"} {
				if strings.Contains(fmt.Sprintf("%v %+v", e, e), secret) {
					t.Errorf("%s: %q shows %q", what, e, secret)
				}
			}
		}
	}
}

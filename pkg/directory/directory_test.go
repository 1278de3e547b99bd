package directory_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
)

func TestCheckTellsRightFromWrong(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, map[string][]string{"pwdPolicySubentry": {directorytest.PolicyNone}})
	s.AddUser("nopass", "", nil)
	d := open(t, options(s, s.TLSURL()))
	for _, tc := range []struct {
		username, password string
		want               directory.Answer
	}{
		{"zoë", password, right},
		{"zoë", "wrong", no(directory.Wrong)},
		{"zoë", strings.ToUpper(password), no(directory.Wrong)},
		{"zoë", password + " ", no(directory.Wrong)},
		{"zoë", password[:8], no(directory.Wrong)},
		{"zoë", "", no(directory.Wrong)},
		{"zoë", "\x00", no(directory.Wrong)},
		{"zoë", "\x00" + password, no(directory.Wrong)},
		{"zoë", password + "\x00", no(directory.Wrong)},
		{"zoë", strings.Repeat("x", 1<<16), no(directory.Wrong)},
		{"nopass", password, no(directory.Wrong)},
		{"zoe", password, no(directory.Unknown)},
		{"nobody", password, no(directory.Unknown)},
		{"", password, no(directory.Unknown)},
		{"zoë", password, right},
	} {
		check(t, d, tc.username, tc.password, tc.want)
	}
}

// Servers take an empty password for a bind of nobody, which succeeds: it must not get there.
func TestCheckSendsNoPasswordThatProvesNothing(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	r := newRelay(t, s.Addr(), nil)
	d := open(t, options(s, r.ldap()))
	for _, password := range []string{"", "\x00", "\x00x", "x\x00"} {
		check(t, d, "zoë", password, no(directory.Wrong))
	}
	if all, _, _ := r.clients(); all != 0 {
		t.Errorf("%d connections", all)
	}
}

func TestCheckEscapesUserNames(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("admin", password, nil)
	s.AddUser("zoë", password, nil)
	o := options(s, s.TLSURL())
	o.Filter = "(|(uid={username})(&(uid=x)(cn={username})))"
	o.NameAttribute = "uid"
	d := open(t, o)
	for _, name := range []string{
		"*", "a*", "*n", "adm*n", "admin)", "(admin)", "*)(uid=*", "admin)(|(uid=*", "*)(objectClass=*))(|(uid=*", "admin)(userPassword=*",
		"*))%00", "admin\x00", "\x00", `\2a`, `\61dmin`, `admin\`, "admin\\)", "admin,ou=people", "x)(cn=admin", "{username}", "zo\xeb", "\xff*", "zoë*",
	} {
		check(t, d, name, password, no(directory.Unknown))
	}
	odd := []string{"*", "a(b)|c", `back\slash`, "Ünï çødé", "a,b=c+d", "#hash ", "日本語"}
	for _, name := range odd {
		s.AddUser(name, password+name, nil)
	}
	for _, name := range odd {
		check(t, d, name, password+name, right)
		check(t, d, name, password, no(directory.Wrong))
	}
}

func TestCheckAnswersAttributes(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, map[string][]string{
		"mail": {"zoe@example.com"}, "displayName": {"Zoë"}, "jpegPhoto": {"\xff\xd8\xff"}, "description": {"first", "second"},
	})
	o := options(s, s.TLSURL())
	o.Attributes = map[string]string{
		"email": "mail", "name": "DISPLAYNAME", "phone": "telephoneNumber", "photo": "jpegPhoto", "note": "description", "secret": "userPassword",
	}
	d := open(t, o)
	want := directory.Answer{Right: true, Attributes: map[string]string{"email": "zoe@example.com", "name": "Zoë", "note": "first"}}
	got, err := d.Check(t.Context(), "zoë", password)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	got, err = d.Check(t.Context(), "zoë", "wrong")
	if diff := cmp.Diff(no(directory.Wrong), got); err != nil || diff != "" {
		t.Errorf("attributes for a wrong password: %v %s", err, diff)
	}
}

func TestCheckFindsUsersInScopeOnly(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{Anonymous: true})
	s.Add("ou=deep,"+directorytest.People, map[string][]string{"objectClass": {"organizationalUnit"}})
	s.AddUser("top", password, nil)
	s.Add("uid=deep,ou=deep,"+directorytest.People, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "cn": {"deep"}, "sn": {"deep"}, "userPassword": {password},
	})
	for scope, want := range map[directory.Scope]map[string]directory.Answer{
		directory.Subtree:  {"top": right, "deep": right},
		directory.OneLevel: {"top": right, "deep": no(directory.Unknown)},
		directory.Object:   {"top": no(directory.Unknown), "deep": no(directory.Unknown)},
	} {
		o := options(s, s.TLSURL())
		o.Scope, o.BindDN, o.BindPassword = scope, "", "" // and anonymously
		d := open(t, o)
		for name, answer := range want {
			check(t, d, name, password, answer)
		}
	}
}

func TestSeveralEntriesAreAFault(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	for _, name := range []string{"one", "two", "three"} {
		s.AddUser(name, password, map[string][]string{"mail": {name + "@example.com"}, "l": {"here"}, "title": {map[bool]string{true: "x"}[name != "three"] + "y"}})
	}
	o := options(s, s.TLSURL())
	o.Filter, o.NameAttribute = "(|(mail={username})(l={username})(title={username}))", "mail"
	d := open(t, o)
	for _, name := range []string{"xy", "here"} { // two, and more than are asked for
		if got, err := d.Check(t.Context(), name, password); !errors.Is(err, directory.ErrAmbiguous) || got.Right {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	check(t, d, "one@example.com", password, right)
}

// A referral's address is none that the configuration names, and may want to hear a password.
func TestReferralsAreNotFollowed(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{Answering: true})
	elsewhere := newRelay(t, "", nil)
	s.Add("ou=far,"+directorytest.People, map[string][]string{
		"objectClass": {"referral", "extensibleObject"}, "ou": {"far"}, "ref": {elsewhere.ldap() + "/" + directorytest.People},
	})
	s.AddUser("near", password, nil)
	d := open(t, options(s, s.TLSURL()))
	check(t, d, "near", password, right)
	check(t, d, "far", password, no(directory.Unknown))
	o := options(s, s.TLSURL())
	o.Base = "ou=far," + directorytest.People
	unavailable(t, open(t, o), "far", "Referral")
	if all, _, _ := elsewhere.clients(); all != 0 {
		t.Errorf("%d connections to where the referral leads", all)
	}
}

func TestParallelChecksShareFewConnections(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, map[string][]string{"pwdPolicySubentry": {directorytest.PolicyNone}})
	r := newRelay(t, s.Addr(), nil)
	o := options(s, r.ldap())
	o.Connections = 3
	d := open(t, o)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			switch i % 3 {
			case 0:
				check(t, d, "zoë", password, right)
			case 1:
				check(t, d, "zoë", "wrong", no(directory.Wrong))
			default:
				check(t, d, "nobody", password, no(directory.Unknown))
			}
		})
	}
	wg.Wait()
	all, _, most := r.clients()
	if most > 4*3 { // one to search and one to bind for each of 3, and those whose end the relay has not seen yet
		t.Errorf("%d connections at once", most)
	}
	if all < 30 || all > 3+50 {
		t.Errorf("%d connections in all: searching ones are not kept, or users share one", all)
	}
	eventually(t, "only searching connections are left", func() bool { _, open, _ := r.clients(); return open > 0 && open <= 3 })
	_ = d.Close()
	eventually(t, "none is left after close", func() bool { _, open, _ := r.clients(); return open == 0 })
	unavailable(t, d, "zoë", "closed")
}

package directory_test

import (
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
	"github.com/ropcd/ropcd/pkg/realm"
)

// The attack: be one person under many names, each with a count of wrong passwords, and an account, of its own.
func TestPersonHasOneName(t *testing.T) {
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("bob", "right", map[string][]string{"mail": {"bob@example.org"}})
	s.Add("uid=ann,"+directorytest.People, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {"Ann", "anna"}, "cn": {"Ann"}, "sn": {"Ann"}, "userPassword": {"right"}, "mail": {"ann"},
	})
	s.Add("cn=Carl+sn=C,"+directorytest.People, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {"carl", "karl"}, "cn": {"Carl"}, "sn": {"C"}, "userPassword": {"right"},
	})
	for filter, want := range map[string]map[string]bool{
		"(uid={username})":                          {"bob": true, "bob@example.org": false, "ann": true, "anna": false, "carl": false, "karl": false},
		"(|(uid={username})(mail={username}))":      {"bob": true, "bob@example.org": false, "ann": true, "anna": false},
		"(&(objectClass=person)(uid=*{username}*))": {"bob": true, "bo": false, "ob": false},
	} {
		d, err := directory.Open(directory.Options{
			URLs: []string{s.URL()}, BindDN: directorytest.BindDN, BindPassword: directorytest.BindPassword, Base: directorytest.People,
			Filter: filter, NameAttribute: "UID", Canonical: realm.Username,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for name, right := range want {
			a, err := d.Check(t.Context(), name, "right")
			if err != nil || a.Right != right || (!right && a.State != directory.Unknown) {
				t.Errorf("%s as %s: %+v, %v", filter, name, a, err)
			}
		}
	}
}

func TestOpenWantsToKnowTheNamesAttribute(t *testing.T) {
	for filter, known := range map[string]bool{
		"(uid={username})":                         true,
		"(&(objectClass=person)(uid={username}))":  true,
		"(|(uid={username})(mail={username}))":     false,
		"(uid={username}*)":                        false,
		"(uid:caseExactMatch:={username})":         false,
		"(&(uid={username})(!(mail=x{username})))": false,
	} {
		_, err := directory.Open(directory.Options{URLs: []string{"ldap://127.0.0.1"}, Base: "dc=a", Filter: filter})
		if (err == nil) != known || (err != nil && !strings.Contains(err.Error(), "which attribute is the user's name")) {
			t.Errorf("%s: %v", filter, err)
		}
		if _, err := directory.Open(directory.Options{URLs: []string{"ldap://127.0.0.1"}, Base: "dc=a", Filter: filter, NameAttribute: "uid"}); err != nil {
			t.Errorf("%s with its attribute: %v", filter, err)
		}
	}
}

package directory_test

import (
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/directory"
)

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what   string
		change func(o *directory.Options)
		want   string
	}{
		{"no URL", func(o *directory.Options) { o.URLs = nil }, "no URL"},
		{"clear text", func(o *directory.Options) { o.URLs = []string{"ldaps://a", "ldap://b.example:389"} }, "URL 2: passwords would go to b.example:389 in clear: use ldaps://, or ldap:// with StartTLS (start_tls: true)"},
		{"clear text to this network", func(o *directory.Options) { o.URLs = []string{"ldap://10.0.0.1"} }, "in clear"},
		{"clear text to a name like localhost", func(o *directory.Options) { o.URLs = []string{"ldap://localhost.example"} }, "in clear"},
		{"other scheme", func(o *directory.Options) { o.URLs = []string{"https://a"} }, "URL 1: it is not"},
		{"no scheme", func(o *directory.Options) { o.URLs = []string{"a:636"} }, "it is not"},
		{"no host", func(o *directory.Options) { o.URLs = []string{"ldaps://:636"} }, "it is not"},
		{"port", func(o *directory.Options) { o.URLs = []string{"ldaps://a:65536"} }, "it is not"},
		{"path", func(o *directory.Options) { o.URLs = []string{"ldaps://a/dc=example"} }, "it is not"},
		{"query", func(o *directory.Options) { o.URLs = []string{"ldaps://a?x"} }, "it is not"},
		{"secret in URL", func(o *directory.Options) { o.URLs = []string{"ldaps://a:s3cret@b"} }, "it is not"},
		{"secret in bad URL", func(o *directory.Options) { o.URLs = []string{"ldaps://a:s3cret@b\x00"} }, "it is not"},
		{"CA", func(o *directory.Options) { o.CA = []byte("s3cret") }, "no certificate"},
		{"no base", func(o *directory.Options) { o.Base = "" }, "base is missing: write the DN"},
		{"base", func(o *directory.Options) { o.Base = "example" }, `base "example" is no DN: write the DN`},
		{"bind DN", func(o *directory.Options) { o.BindDN, o.BindPassword = "me", "s3cret" }, "no DN"},
		{"no bind password", func(o *directory.Options) { o.BindDN = "cn=a" }, "go together: one of them is missing; give both"},
		{"no bind DN", func(o *directory.Options) { o.BindPassword = "s3cret" }, "go together"},
		{"NUL in bind password", func(o *directory.Options) { o.BindDN, o.BindPassword = "cn=a", "s3cret\x00" }, "NUL"},
		{"no filter", func(o *directory.Options) { o.Filter = "" }, "filter is missing: write one such as (uid={username})"},
		{"filter without name", func(o *directory.Options) { o.Filter = "(uid=demo)" }, "has no {username}: put it where the user's name goes, as in (uid={username})"},
		{"broken filter", func(o *directory.Options) { o.Filter = "(&(uid={username})" }, "filter"},
		{"bare filter", func(o *directory.Options) { o.Filter = "uid={username}" }, "filter"},
		{"two filters", func(o *directory.Options) { o.Filter = "(uid={username})(cn=x)" }, "filter"},
		{"name as attribute", func(o *directory.Options) { o.Filter = "({username}=x)" }, "outside of a value"},
		{"name as second attribute", func(o *directory.Options) { o.Filter = "(&(uid={username})({username}=x))" }, "outside of a value"},
		{"name as rule", func(o *directory.Options) { o.Filter = "(uid:{username}:=x)" }, "outside of a value"},
		{"name as filter", func(o *directory.Options) { o.Filter = "(&({username})(uid=x))" }, "filter"},
		{"attribute", func(o *directory.Options) { o.Attributes = map[string]string{"email": "e mail"} }, "attribute"},
		{"all attributes", func(o *directory.Options) { o.Attributes = map[string]string{"all": "*"} }, "attribute"},
		{"nameless attribute", func(o *directory.Options) { o.Attributes = map[string]string{"": "mail"} }, "attribute"},
		{"timeout", func(o *directory.Options) { o.Timeout = -1 }, "timeout"},
		{"connections", func(o *directory.Options) { o.Connections = -1 }, "connections"},
		{"scope", func(o *directory.Options) { o.Scope = 3 }, "scope"},
	} {
		o := directory.Options{URLs: []string{"ldaps://directory.example"}, Base: "dc=example", Filter: "(uid={username})"}
		tc.change(&o)
		d, err := directory.Open(o)
		if d != nil || err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %s", tc.what, err, tc.want)
		}
	}
}

func TestOpenAcceptsWhatCanWork(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(o *directory.Options){
		"as it is": func(*directory.Options) {},
		"this machine": func(o *directory.Options) {
			o.URLs = []string{"ldap://localhost", "ldap://127.1.2.3:1389/", "ldap://[::1]:1389"}
		},
		"StartTLS": func(o *directory.Options) {
			o.URLs, o.StartTLS = []string{"ldap://a.example", "ldaps://b.example"}, true
		},
		"many names": func(o *directory.Options) {
			o.Filter, o.NameAttribute = "(|(uid={username})(mail={username}@{username})(cn:dn:2.4.6:={username}))", "uid"
		},
		"attributes": func(o *directory.Options) {
			o.Attributes = map[string]string{"a": "mail", "b": "cn;lang-de", "c": "2.5.4.3"}
		},
		"odd but a DN":    func(o *directory.Options) { o.Base = `ou=a\, b+cn=c,dc=example` },
		"searching entry": func(o *directory.Options) { o.BindDN, o.BindPassword = "cn=search,dc=example", "s3cret" },
	} {
		o := directory.Options{URLs: []string{"ldaps://directory.example"}, Base: "dc=example", Filter: "(uid={username})"}
		change(&o)
		d, err := directory.Open(o)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		_ = d.Close()
	}
}

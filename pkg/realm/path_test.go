package realm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
)

func TestParsePathReadsARealmAsPeopleWriteIt(t *testing.T) {
	for _, tc := range []struct {
		typed     string
		path      realm.Path
		key, long string
		parent    realm.Path
		levels    []string
	}{
		{"", "/", "/", "realms/root", "/", nil},
		{"/", "/", "/", "realms/root", "/", nil},
		{"root", "/", "/", "realms/root", "/", nil},
		{"/ROOT", "/", "/", "realms/root", "/", nil},
		{"alpha", "/alpha", "/alpha", "realms/root/realms/alpha", "/", []string{"alpha"}},
		{"/alpha", "/alpha", "/alpha", "realms/root/realms/alpha", "/", []string{"alpha"}},
		{"Alpha", "/Alpha", "/alpha", "realms/root/realms/Alpha", "/", []string{"Alpha"}},
		{"alpha/EMEA", "/alpha/EMEA", "/alpha/emea", "realms/root/realms/alpha/realms/EMEA", "/alpha", []string{"alpha", "EMEA"}},
		{"/a/b/c", "/a/b/c", "/a/b/c", "realms/root/realms/a/realms/b/realms/c", "/a/b", []string{"a", "b", "c"}},
		{"A-1_z", "/A-1_z", "/a-1_z", "realms/root/realms/A-1_z", "/", []string{"A-1_z"}},
		{"rooted", "/rooted", "/rooted", "realms/root/realms/rooted", "/", []string{"rooted"}},
		{"tokens", "/tokens", "/tokens", "realms/root/realms/tokens", "/", []string{"tokens"}},
	} {
		t.Run(tc.typed, func(t *testing.T) {
			p, err := realm.ParsePath(tc.typed)
			if err != nil || p != tc.path {
				t.Fatalf("ParsePath = %q, %v, want %q", p, err, tc.path)
			}
			got := []any{p.Key(), p.LongForm(), p.Parent(), p.Levels()}
			if diff := cmp.Diff([]any{tc.key, tc.long, tc.parent, tc.levels}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParsePathRefuses(t *testing.T) {
	for name, typed := range map[string]string{
		"empty level": "alpha//beta", "trailing slash": "alpha/", "two slashes": "//", "leading slashes": "//alpha",
		"dot": "al.pha", "parent": "..", "dot segment": "alpha/../beta", "space": "al pha", "percent": "al%2fpha", "backslash": `al\pha`,
		"colon": "al:pha", "NUL": "al\x00pha", "line feed": "alpha\n", "kelvin sign": "al\u212a", "full width": "ａlpha", "braces": "{alpha}",
		"root below": "alpha/root", "root above": "root/alpha", "realms": "realms", "Realms": "alpha/Realms",
		"access_token": "access_token", "introspect": "INTROSPECT", "token": "token", "token below": "alpha/token",
		"tokeninfo": "TokenInfo", ".well-known": ".well-known",
	} {
		if p, err := realm.ParsePath(typed); err == nil || p != "" {
			t.Errorf("%s: ParsePath(%q) = %q, %v", name, typed, p, err)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"", "/", "alpha", "/Alpha/EMEA", "root", "realms", "a//b", "K"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		p, err := realm.ParsePath(typed)
		if err != nil {
			return
		}
		again, err := realm.ParsePath(string(p))
		if err != nil || again != p {
			t.Fatalf("%q is %q, and that %q, %v", typed, p, again, err)
		}
		lower, err := realm.ParsePath(p.Key())
		if err != nil || lower.Key() != p.Key() {
			t.Fatalf("the key %q of %q is no path of that realm: %q, %v", p.Key(), p, lower, err)
		}
		if upper, err := realm.ParsePath(strings.ToUpper(string(p))); err != nil || upper.Key() != p.Key() {
			t.Fatalf("%q has two keys", p)
		}
		if parts := strings.Split(p.LongForm(), "/realms/"); len(parts) != len(p.Levels())+1 || !strings.HasPrefix(p.LongForm(), "realms/root") {
			t.Fatalf("long form %q of %q", p.LongForm(), p)
		}
		if p != realm.Root && p.Parent() != realm.Root && !strings.HasPrefix(string(p), string(p.Parent())+"/") {
			t.Fatalf("parent %q of %q", p.Parent(), p)
		}
	})
}

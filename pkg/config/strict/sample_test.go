package strict_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ropcd/ropcd/pkg/config/strict"
)

// trial has values of which some stand for secrets.
type trial struct {
	Name  string            `yaml:"name"`
	Given map[string]string `yaml:"given" is:"sample"`
	Code  string            `yaml:"code" is:"sample"`
	From  netip.Addr        `yaml:"from" is:"sample"`
	Known map[string]string `yaml:"known" is:"plain"`
	Token string            `yaml:"token"`
}

// A sample is in no message and no excerpt, also of a problem that was found before it was decoded.
func TestSamplesAreNotShown(t *testing.T) {
	for _, text := range []string{
		`{nme: x, given: {otp: "123456"}}`, `{name: "${UNSET}", code: "123456"}`, `{code: 123456}`, `{given: {otp: 123456}}`,
		`{given: "123456"}`, `{given: {a: b, otp: "123456"}, name: {}}`, `{from: "123456"}`, `{given: {otp: "123456", otp: "7"}}`,
		"given:\n  otp: 123456\nnme: x", `{code: ["123456"], x: 1}`,
	} {
		problems := decode(t, text, new(trial))
		if problems.Err() == nil {
			t.Errorf("%s: no problem", text)
		}
		if strings.Contains(problems.String(), "123456") {
			t.Errorf("%s\n%s", text, problems)
		}
	}
	d := strict.Parse("f.yaml", []byte(`{name: plain, code: "123456"}`), nil)
	d.Decode(new(trial))
	d.Bad(strict.Path{"name"}, "is bad")
	d.Bad(strict.Path{"code"}, "is bad")
	want := "f.yaml:1:8: name: \"plain\" is bad\n    1 | {name: plain, code: [hidden]\n      |        ^\n" +
		"f.yaml:1:21: code: the value is bad\n    1 | {name: plain, code: [hidden]\n      |                     ^"
	if diff := cmp.Diff(want, d.Problems().String()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestSamplesAreEncodedAsTheyAre(t *testing.T) {
	first := trial{
		Name: "n", Given: map[string]string{"password": "a", "otp": "${b"}, Code: "1", From: netip.MustParseAddr("::1"),
		Known: map[string]string{"secret": "c"},
	}
	text, err := strict.Encode(first)
	if err != nil {
		t.Fatal(err)
	}
	var second trial
	if problems := decode(t, string(text), &second); len(problems) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(first, second, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("again (-first +second):\n%s", diff)
	}
	if text, err = strict.Encode(trial{Token: "hunter2"}); err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("a secret is shown: %v\n%s", err, text)
	}
}

func TestFailedInLooksAtThePathAndBelow(t *testing.T) {
	d := strict.Parse("f.yaml", []byte("any: {list: [{a: 1}], lists: 1}\nlabels: {}\n"), nil)
	d.Report(strict.Path{"any", "list", "0", "b"}, "one")
	d.Warn(strict.Path{"labels"}, "two")
	for path, want := range map[string]bool{
		"": true, "any": true, "any list": true, "any list 0": true, "any list 0 a": false, "any lists": false, "labels": false,
	} {
		if got := d.FailedIn(strict.Path(strings.Fields(path))); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

package nodes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

// files builds "main" of the node alone, with these files.
func files(n node, file func(string) ([]byte, error)) (*journey.Set, []journey.Problem) {
	main := journey.Definition{Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{"collect": collect, "it": n.definition()}}
	return builds(map[string]journey.Definition{"main": main}, nodes.Table(), journey.Env{File: file})
}

func common(file string) node {
	settings, err := json.Marshal(map[string]string{"file": file})
	if err != nil {
		panic(err)
	}
	return node{Type: "CommonPasswordDecision", Settings: string(settings), Outcomes: trueFalse}
}

func TestCommonPasswordDecision(t *testing.T) {
	text := "Hunter Of Gulls\r\n\n#hash\n spaced \nÄrger1\ntwice\nonce\ntwice\nlast"
	read := func(path string) ([]byte, error) {
		if path != "lists/more.txt" {
			return nil, errors.New("no such file")
		}
		return []byte(text), nil
	}
	for _, tt := range []struct {
		password      string
		builtin, file string
	}{
		{"123456", "true", "true"},
		{"password", "true", "true"},
		{"PassWord", "true", "true"},
		{"qwertyuiop", "true", "true"},
		{"zzzzzz", "true", "true"}, // the last one
		{"0000", "true", "true"},   // the first one
		{"password ", "false", "false"},
		{" password", "false", "false"},
		{"passwor", "false", "false"},
		{"passwordpassword", "false", "false"},
		{"correct horse battery staple", "false", "false"},
		{"hunter of gulls", "false", "true"},
		{"HUNTER OF GULLS", "false", "true"},
		{"hunter of gulls\r", "false", "false"},
		{"#hash", "false", "true"},
		{"hash", "false", "false"},
		{" spaced ", "false", "true"},
		{"spaced", "false", "false"},
		{"äRGER1", "false", "true"},
		{"twice", "false", "true"},
		{"last", "false", "true"},
		{"\n", "false", "false"},
		{"", "false", "false"},
	} {
		for file, want := range map[string]string{"": tt.builtin, "lists/more.txt": tt.file} {
			s, problems := files(common(file), read)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			j, _ := s.Journey("main")
			calls := 0
			result, err := j.Run(t.Context(), journey.Input{
				Username: "demo", Password: tt.password, User: &owner, Now: now,
				Verify: func(context.Context, string) (bool, error) { calls++; return false, nil },
			})
			last := result.Trail[len(result.Trail)-1]
			if err != nil || last.Outcome != want || result.Verified {
				t.Errorf("%q with file %q: %q, %v; want %q", tt.password, file, last.Outcome, err, want)
			}
			// a refusal costs a comparison, whichever way it came
			if wantCalls := map[bool]int{true: 1}[want == "false" && tt.password != ""]; calls != wantCalls {
				t.Errorf("%q: the password was compared %d times, want %d", tt.password, calls, wantCalls)
			}
		}
	}
}

// A password that was not collected is none.
func TestCommonPasswordDecisionNeedsACollectedPassword(t *testing.T) {
	s, problems := build(map[string]journey.NodeDefinition{"it": common("").definition()}, "it")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	if got, err := j.Run(t.Context(), journey.Input{Username: "demo", Password: "123456", Verify: func(context.Context, string) (bool, error) { return false, nil }}); err != nil || got.Success {
		t.Errorf("%+v, %v", got, err)
	}
}

// Nobody is turned away before the same work is done as for a wrong password.
func TestCommonPasswordDecisionRefusesAtTheUsualCost(t *testing.T) {
	turned := common("").definition()
	turned.Outcomes = map[string]string{"true": journey.Failure, "false": journey.Success}
	s, problems := build(map[string]journey.NodeDefinition{"collect": collect, "it": turned}, "collect")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	calls := 0
	got, err := j.Run(t.Context(), journey.Input{
		Username: "demo", Password: "123456",
		Verify: func(context.Context, string) (bool, error) { calls++; return true, nil },
	})
	if err != nil || got.Success || calls != 1 || got.Reason != "journey_failed" {
		t.Errorf("%+v, %v, %d comparisons", got, err, calls)
	}
}

func TestCommonPasswordDecisionRefusesWrongFiles(t *testing.T) {
	refuse := func(file func(string) ([]byte, error), want string) {
		t.Helper()
		_, problems := files(common("more.txt"), file)
		if len(problems) != 1 || problems[0].Message != want {
			t.Errorf("got %v\nwant %s", problems, want)
		}
	}
	refuse(nil, "file: there are no files here")
	refuse(func(string) ([]byte, error) { return nil, errors.New("no such file") }, "file: no such file")
	refuse(func(string) ([]byte, error) { return nil, nil }, "file: holds no password")
	refuse(func(string) ([]byte, error) { return []byte("\n\r\n\n"), nil }, "file: holds no password")
	refuse(func(string) ([]byte, error) { return bytes.Repeat([]byte("a\n"), 32<<20+1), nil },
		fmt.Sprintf("file: has %d bytes, at most %d are allowed", 64<<20+2, 64<<20))
	refuses(t, "CommonPasswordDecision", map[string]string{
		`{"file":"more.txt"}`: "file: there are no files here",
		`{"files":["a"]}`:     "yaml: unmarshal errors: line 1: field files not found in type nodes.CommonPasswordDecision",
	})
}

// A file of many passwords is kept in about eight bytes for each, and finds them all. A password that is there many
// times, and empty lines, take no more.
func TestCommonPasswordDecisionHoldsLargeFiles(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "secret-%07d\n", i)
	}
	for file, most := range map[string]int{text.String(): 810_000, strings.Repeat("A\na\n\n", 100_000): 64} {
		n, err := (&nodes.CommonPasswordDecision{File: "more.txt"}).Open(journey.Env{File: func(string) ([]byte, error) { return []byte(file), nil }})
		if err != nil {
			t.Fatal(err)
		}
		if got := nodes.Held(n); got > most {
			t.Errorf("the file's passwords take %d bytes, want at most %d", got, most)
		}
	}
	s, problems := files(common("more.txt"), func(string) ([]byte, error) { return []byte(text.String()), nil })
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	for password, want := range map[string]bool{"secret-0000000": true, "Secret-0099999": true, "secret-0100000": false} {
		got, err := j.Run(t.Context(), journey.Input{
			Username: "demo", Password: password, Verify: func(context.Context, string) (bool, error) { return false, nil },
		})
		if err != nil || got.Success != want {
			t.Errorf("%q: %t, %v", password, got.Success, err)
		}
	}
}

func BenchmarkCommonPasswordDecision(b *testing.B) {
	s, problems := build(map[string]journey.NodeDefinition{"collect": collect, "it": common("").definition()}, "collect")
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	j, _ := s.Journey("main")
	in := journey.Input{Username: "demo", Password: "Password123"}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := j.Run(b.Context(), in); err != nil || !r.Success {
			b.Fatal(r, err)
		}
	}
}

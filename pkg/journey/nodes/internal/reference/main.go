package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

// The generated part of the README stands between these.
const (
	begin = "<!-- written by `go generate ./pkg/journey/nodes`: what follows, up to the end mark -->\n"
	end   = "<!-- end -->\n"
)

// main runs in the folder of the package nodes.
func main() {
	if err := write(".", "../../../README.md"); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func write(source, readme string) error {
	old, fresh, err := readmes(source, readme)
	if err != nil || bytes.Equal(old, fresh) {
		return err
	}
	return os.WriteFile(readme, fresh, 0o644)
}

// readmes are the README as it is, and as it should be.
func readmes(source, readme string) (old, fresh []byte, err error) {
	if old, err = os.ReadFile(readme); err != nil {
		return nil, nil, err
	}
	head, rest, ok := bytes.Cut(old, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, nil, fmt.Errorf("%s: the marks of the generated part are not there", readme)
	}
	text, err := reference(source, nodes.Table())
	if err != nil {
		return nil, nil, err
	}
	return old, fmt.Appendf(nil, "%s%s\n%s\n%s%s", head, begin, text, end, tail), nil
}

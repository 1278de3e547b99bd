package ropcd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const maxBinary = 25 << 20 // bytes, stripped, on linux/amd64

// Once a function that can be reached calls methods by name (reflect's MethodByName, or a template), the linker keeps every
// exported method of every type: a third of the binary. Its output has such functions' names, marked.
func TestLinkerDropsMethodsThatNobodyCalls(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`(?m)^TAGS += (\S+)$`).FindSubmatch(makefile)
	if tags == nil || !bytes.Contains(makefile, []byte("-tags $(TAGS)")) {
		t.Fatal("the Makefile builds without tags")
	}
	binary := filepath.Join(t.TempDir(), "ropcd")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", string(tags[1]), "-ldflags", "-s -w -dumpdep",
		"-o", binary, module+"cmd/ropcd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	dependencies, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %.2000s", err, dependencies)
	}
	if !bytes.Contains(dependencies, []byte("main.main -> ")) {
		t.Error("the linker does not tell what is reached")
	}
	for line := range strings.Lines(string(dependencies)) {
		if caller, _, ok := strings.Cut(line, " <ReflectMethod> -> "); ok {
			t.Errorf("%s calls methods by name", caller)
		}
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBinary {
		t.Errorf("the binary has %d bytes, more than %d", info.Size(), maxBinary)
	}
}

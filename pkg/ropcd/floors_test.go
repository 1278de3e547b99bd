package ropcd_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ropcd/ropcd/"

// floors is the plan of the house: a package imports only what lies below it. Folders belong to their package, unless
// they are named themselves.
var floors = map[string]int{
	"pkg/realm": 0, "pkg/audit": 0,
	"storage": 1, "pkg/journey": 1, "pkg/password": 1,
	"pkg/guard": 2, "pkg/token": 2, "pkg/journey/nodes": 2,
	"storage/bolt": 3, "storage/redis": 3, "storage/storagetest": 3, "pkg/ropc": 3,
	"pkg/provider": 4,
	"pkg/server":   5, "pkg/config": 5, "pkg/admin": 5,
	"pkg/ropcd": 6,
	"cmd/ropcd": 7,
}

// owners are the only packages that may import a module or package, and what is below it.
var owners = map[string][]string{
	"github.com/ory/fosite":       {"pkg/ropc", "pkg/provider", "pkg/server"},
	"github.com/gorilla/mux":      {"pkg/server", "pkg/admin"},
	"github.com/redis/go-redis":   {"storage/redis"},
	"go.etcd.io/bbolt":            {"storage/bolt"},
	"github.com/goccy/go-yaml":    {"pkg/config"},
	"go.yaml.in/yaml":             {"pkg/config"},
	"gopkg.in/yaml.v3":            {"pkg/config"},
	"github.com/spf13/cobra":      {"pkg/ropcd"},
	module + "pkg/config":         {"pkg/ropcd", "pkg/config"},
	"github.com/golang/mock":      {},
	"github.com/stretchr/testify": {},
}

// goPackage is what `go list -json` says of a package; tests are not part of the plan.
type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) (list []goPackage) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// room is the package of the plan that an import path belongs to.
func room(importPath string) (name string, ok bool) {
	name, ours := strings.CutPrefix(importPath, module)
	for ours && name != "" {
		if _, ok := floors[name]; ok {
			return name, true
		}
		name = name[:max(0, strings.LastIndexByte(name, '/'))]
	}
	return "", false
}

func within(importPath, prefix string) bool {
	return importPath == prefix || strings.HasPrefix(importPath, prefix+"/")
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, p := range packages(t) {
		from, ok := room(p.ImportPath)
		if !ok {
			t.Errorf("%s has no floor: add it to the plan", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			to, _ := room(imported)
			if from != to && floors[to] >= floors[from] {
				t.Errorf("%s (floor %d) imports %s (floor %d)", p.ImportPath, floors[from], imported, floors[to])
			}
		}
	}
}

func TestEachLibraryHasItsRoom(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := room(p.ImportPath)
		for _, imported := range p.Imports {
			for library, allowed := range owners {
				if within(imported, library) && !slices.Contains(allowed, from) {
					t.Errorf("%s imports %s, which is for %v", p.ImportPath, imported, allowed)
				}
			}
		}
	}
}

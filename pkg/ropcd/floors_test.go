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

// floors is the plan of the house: an import goes to a lower floor.
var floors = [][]string{
	{"pkg/realm", "pkg/audit", "pkg/pace", "pkg/childtest"},
	{"storage", "pkg/journey", "pkg/password", "pkg/directory"},
	{"pkg/guard", "pkg/token", "pkg/journey/nodes"},
	{"storage/bolt", "storage/redis", "storage/storagetest", "pkg/ropc"},
	{"pkg/provider"},
	{"pkg/server", "pkg/config", "pkg/admin"},
	{"pkg/ropcd"},
	{"cmd/ropcd", "cmd/bench"},
}

// tenants are the libraries that only some rooms may let in.
var tenants = map[string][]string{
	"github.com/ory/fosite":           {"pkg/ropc", "pkg/provider", "pkg/server", "cmd/bench"},
	"github.com/gorilla/mux":          {"pkg/server", "cmd/bench"},
	"github.com/go-ldap/ldap/v3":      {"pkg/directory", "pkg/directory/directorytest"},
	"github.com/redis/go-redis/v9":    {"storage/redis", "storage/redis/redistest", "cmd/bench"},
	"go.etcd.io/bbolt":                {"storage/bolt"},
	"go.yaml.in/yaml/v3":              {"pkg/config", "pkg/config/strict"},
	"github.com/spf13/cobra":          {"pkg/ropcd"},
	"cel.dev/cel-go":                  {"pkg/journey/nodes"},
	"github.com/boombuler/barcode":    {"pkg/ropcd"},
	"github.com/KimMachineGun":        {"pkg/ropcd"},
	"github.com/prometheus":           {"pkg/server"},
	"github.com/pquerna/otp":          {"pkg/journey/nodes"},
	"github.com/standard-webhooks":    {"pkg/journey/nodes"},
	"github.com/fsnotify/fsnotify":    {"pkg/config"},
	module + "pkg/config":             {"pkg/config", "pkg/ropcd"},
	module + "storage/redis":          {"storage/redis", "pkg/ropcd", "cmd/bench"},
	module + "storage/bolt":           {"storage/bolt", "pkg/ropcd", "cmd/bench"},
	"github.com/stretchr/testify":     nil,
	"github.com/golang/mock":          nil,
	"github.com/ory/fosite/handler":   {"cmd/bench"}, // pulls mocks into the binary
	"github.com/ory/fosite/compose":   {"cmd/bench"},
	"github.com/ory/fosite/storage":   {"cmd/bench"},
	"github.com/ory/fosite/token/jwt": nil,

	"github.com/go-analyze/charts": {"cmd/bench"},
	"golang.org/x/sys":             {"cmd/bench"},

	"github.com/aclements/go-moremath": nil, // for statistics of tests

	"github.com/anishathalye/porcupine": {"storage/storagetest/histories"}, // for tests of stores
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) (out []goPackage) {
	t.Helper()
	list, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(list))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

// floor is where a package lives; a folder inside a room is on the room's floor.
func floor(name string) int {
	found, length := -1, 0
	for i, rooms := range floors {
		for _, room := range rooms {
			if within(name, room) && len(room) > length {
				found, length = i, len(room)
			}
		}
	}
	return found
}

func within(name, room string) bool { return name == room || strings.HasPrefix(name, room+"/") }

func TestImportsGoDownOnly(t *testing.T) {
	all := packages(t)
	if len(all) < 15 {
		t.Fatalf("only %d packages", len(all))
	}
	for _, p := range all {
		name := strings.TrimPrefix(p.ImportPath, module)
		if floor(name) < 0 {
			t.Errorf("%s is on no floor of the plan", name)
		}
		for _, imported := range p.Imports {
			to, own := strings.CutPrefix(imported, module)
			inside := own && (within(to, name) || within(name, to)) && floor(to) == floor(name)
			if own && !inside && floor(to) >= floor(name) {
				t.Errorf("%s (floor %d) imports %s (floor %d)", name, floor(name), to, floor(to))
			}
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	let := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			for library, rooms := range tenants {
				if !within(imported, library) || (library == module+"storage/redis" && name == "storage/redis/redistest") {
					continue
				}
				let[library] = true
				if !slices.Contains(rooms, name) {
					t.Errorf("%s imports %s", name, imported)
				}
			}
		}
	}
	for library, rooms := range tenants {
		if rooms != nil && !let[library] {
			t.Errorf("nobody imports %s: the plan names what isn't there", library)
		}
	}
}

// go-jose before 3.0.5 is vulnerable before authentication, and fosite alone would select 3.0.3.
func TestJoseIsNewEnough(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/go-jose/go-jose/v3").Output()
	if version := strings.TrimSpace(string(out)); err != nil || version < "v3.0.5" || len(version) != len("v3.0.5") {
		t.Errorf("go-jose %q, %v", version, err)
	}
}

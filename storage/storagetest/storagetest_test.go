package storagetest_test

import (
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
	"github.com/ropcd/ropcd/storage/storagetest"
)

// noticed names, for each fault, a case that must fail. Others may, too.
var noticed = map[storagetest.Fault]string{
	"a change resets the attempts":              "users/update",
	"a code that was used is free":              "codes/lock",
	"a code that was used replaces the owner":   "codes/once",
	"a failure makes a grant":                   "finish/no grant on failure",
	"a failure makes its source known":          "sources/only success is known",
	"a failure replaces no owner":               "owners/failure",
	"a failure uses no code":                    "codes/failure",
	"a foreign client's reuse ends the grant":   "refresh/refusals before reuse",
	"a grace that never ends":                   "replay/after the grace",
	"a narrower scope stays":                    "refresh/scopes",
	"a realm's end is its subrealms' too":       "grants/end a realm's",
	"a refresh shortens the record's life":      "refresh/never shortens",
	"a rehash is a change":                      "finish/rehash",
	"a rehash of the last login wins":           "owners/changed by another login",
	"a repeated login is another":               "codes/repeated",
	"a settlement always ends grants":           "owners/success",
	"a settlement ends grants, written or not":  "owners/changed meanwhile",
	"a settlement ends its own grant":           "owners/ending grants",
	"a settlement ends no grants":               "owners/ending grants",
	"a right code clears no wrong ones":         "codes/wrong",
	"a wrong code is a wrong password":          "codes/wrong",
	"a success at a source clears all accounts": "sources/success at home",
	"an unverified success clears failures":     "sources/unverified",
	"a void uses the code":                      "codes/void",
	"always rotates":                            "refresh/keeps",
	"an access token ends the grant":            "revoke/access token",
	"an owner that was changed is replaced":     "owners/changed meanwhile",
	"any client refreshes":                      "refresh/refusals",
	"any client revokes":                        "revoke/refusals",
	"any generation":                            "replay/older than the predecessor",
	"any realm refreshes":                       "refresh/refusals",
	"any scope":                                 "refresh/wider",
	"any secret refreshes":                      "refresh/refusals",
	"attributes are lost":                       "users/create and find",
	"changing a client ends its grants":         "clients/grants stay",
	"codes are checked, then used":              "codes/in parallel",
	"codes are not remembered":                  "codes/once",
	"dead grants are cached":                    "grants/end one",
	"deadlines don't matter":                    "deadlines/tokens",
	"deleting does nothing":                     "users/delete",
	"disabling ends grants later":               "users/ending grants",
	"disabling leaves grants":                   "users/ending grants",
	"ending a client's grants does nothing":     "grants/end a client's",
	"ending a client's grants ends the realm's": "grants/end a client's",
	"ending a client's grants lasts":            "grants/end a client's",
	"ending a realm's grants does nothing":      "grants/end a realm's",
	"ending an owner's grants does nothing":     "grants/end an owner's",
	"every change ends grants":                  "users/ending grants",
	"every login is counted":                    "codes/count",
	"failures are counted late":                 "lockout/threshold",
	"failures are not counted":                  "concurrency/guesses",
	"failures at a source are not counted":      "sources/guesses",
	"grants have no limit":                      "grantlimit/refuse",
	"no room is always made":                    "grantlimit/refuse",
	"room is never made":                        "grantlimit/evict",
	"evicted are not named":                     "grantlimit/evict",
	"a limit allows one less":                   "grantlimit/fits",
	"no limit on grants is one":                 "grantlimit/off",
	"one grant is evicted, no more":             "grantlimit/lowered",
	"the newest login is evicted":               "grantlimit/evict",
	"room is made before it is needed":          "grantlimit/no grant",
	"room is made among all owners":             "grantlimit/of one owner",
	"a refusal settles nothing":                 "grantlimit/refuse",
	"a refusal is a failure":                    "grantlimit/refuse",
	"a refusal counts a login":                  "grantlimit/refuse",
	"a refusal uses no code":                    "grantlimit/refuse one code once",
	"a refusal is made good":                    "grantlimit/refused again",
	"grants are counted, then made":             "grantlimit/in parallel",
	"a repeated login makes room again":         "grantlimit/repeated",
	"dead grants count":                         "grantlimit/dead don't count",
	"grants of dead epochs count":               "grantlimit/dead are not evicted for",
	"grants end with their access token":        "expiry/not before",
	"holds nothing":                             "logins/busy",
	"ids are not unique":                        "users/unique",
	"lifetimes of a client are lost":            "clients/create and find",
	"lists are cut short":                       "users/list",
	"locks never double":                        "lockout/doubling",
	"locks when it is off":                      "lockout/off",
	"logins are not counted":                    "codes/count",
	"logins at once count as one":               "codes/count in parallel",
	"lost scopes":                               "refresh/no scope",
	"never forgets":                             "lockout/window",
	"nothing is limited":                        "limits/places",
	"limits are checked, then charged":          "limits/places in parallel",
	"places never come back":                    "limits/places come back",
	"places come back at once":                  "limits/places",
	"layers share places":                       "limits/apart",
	"realms share places":                       "limits/apart",
	"user names share places":                   "limits/apart",
	"looking takes a place":                     "limits/look",
	"nothing is counted past the limit":         "limits/count",
	"a limit that is off is one":                "limits/off",
	"refused requests are charged":              "limits/refused",
	"refusals are not known":                    "limits/known to this process",
	"refusals are known for ever":               "limits/known",
	"no end is an end":                          "expiry/never",
	"no grace":                                  "concurrency/rotation with grace",
	"no idempotence":                            "replay/same request",
	"no source becomes known":                   "sources/not stopped from elsewhere",
	"nothing is reserved":                       "concurrency/reservations",
	"nothing locks":                             "lockout/threshold",
	"nothing stops":                             "lockout/stop_after",
	"older codes are good":                      "codes/older",
	"owners are not replaced":                   "owners/success",
	"realms leak":                               "isolation/owners",
	"records are shared":                        "users/copies",
	"refreshes read, then write":                "concurrency/rotation",
	"refused attempts are settled":              "logins/settle what was refused",
	"reuse ends nothing":                        "replay/reuse",
	"revocations are lost":                      "revoke/many",
	"rotates twice":                             "refresh/rotates",
	"settles again and again":                   "logins/settle twice",
	"sources are not told apart":                "sources/locks itself only",
	"sources don't matter":                      "sources/not locked from elsewhere",
	"other sources are listed":                  "sources/listed",
	"sources never leave":                       "sources/eight",
	"sources never lock":                        "sources/stops itself only",
	"sources outlive a new password":            "sources/forgotten by a change",
	"sources outlive a settlement":              "sources/forgotten by a settlement",
	"strangers are free":                        "lockout/nobody",
	"strangers have sources":                    "sources/nobody",
	"the last change of a client wins":          "clients/version",
	"the last change wins":                      "users/version",
	"the newest login is listed first":          "grants/list of an owner",
	"tokens outlive the grant":                  "refresh/lifetimes",
	"unlocking does nothing":                    "lockout/unlock",
	"unlocking forgets sources":                 "sources/unlock",
	"unlocking leaves sources":                  "sources/unlock",
	"unlocking makes the owner anew":            "codes/kept",
	"versions don't matter to a login":          "finish/changed owner",
	"versions don't matter to a source":         "sources/begun before a change",
	"waits for ever":                            "logins/unsettled",
}

func TestSuiteFailsForBrokenStores(t *testing.T) {
	if d := cmp.Diff(slices.Sorted(maps.Keys(noticed)), storagetest.Faults()); d != "" {
		t.Fatalf("faults without a case, or cases without a fault:\n%s", d)
	}
	cases := map[string]storagetest.Case{}
	for _, c := range storagetest.Cases() {
		cases[c.Name] = c
	}
	s := open(t)
	for f, name := range noticed {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			c, ok := cases[name]
			if !ok {
				t.Fatalf("no case is called %q", name)
			}
			err := c.Check(storagetest.Broken(s, f))
			if err == nil {
				t.Fatalf("the case %q does not fail", name)
			}
			t.Log(err)
		})
	}
}

func TestCasesHaveNamesAndRules(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range storagetest.Cases() {
		if c.Rule == "" || seen[c.Name] {
			t.Errorf("case %q has no rule, or is there twice", c.Name)
		}
		seen[c.Name] = true
	}
}

func open(t *testing.T) storage.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "ropcd.db"), bolt.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

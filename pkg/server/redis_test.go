package server_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

var onStore = flag.String("store", "bolt", "what the tests run on: bolt, redis, or cluster; the latter two with two processes")

func TestMain(m *testing.M) {
	flag.Parse()
	if *onStore != "bolt" {
		start = time.Now().UTC()
	}
	status := m.Run()
	shared.end()
	os.Exit(status)
}

// oneProcess are the tests that two processes in turn are no place for.
var oneProcess = "^(" + strings.Join([]string{
	"TestOnTwoProcesses",
	"TestMetrics.*|TestLimitedRequestsAreCounted|TestBestEffortAuditStopsNothing", // what one process counts
	"Test.*RaisesAnAlarm|TestAlarm.*",                                             // and raises alarms for
	"TestFailuresCountAtEveryEndpoint|TestIPv6AddressesOfOneNetworkHaveOneLimit",  // an address's refusal, which each learns by itself
	"TestSecretsAreNowhere",                            // they read the file of the store
	"TestTokenInfoKeepsItsKeysWhateverScopesAreCalled", // time stands still
}, "|") + ")$"

// Two processes on a Cluster of three masters, in turn for each request, answer like one: all tests of this package, but for
// those of what is one process's own, and each until it moves the clock.
func TestOnTwoProcesses(t *testing.T) {
	t.Parallel()
	args := []string{"-test.v", "-test.shuffle=on", "-test.timeout=5m", "-test.skip", oneProcess, "-store", "cluster"}
	out, err := exec.CommandContext(t.Context(), os.Args[0], args...).CombinedOutput()
	passed := 0
	var rest strings.Builder
	for line := range strings.Lines(string(out)) {
		switch {
		case strings.Contains(line, "--- PASS: "):
			passed++
		case !strings.HasPrefix(line, "=== "):
			rest.WriteString(line)
		}
	}
	t.Logf("%d tests passed, with theirs", passed)
	if err != nil || passed < 100 {
		t.Errorf("%d passed: %v\n%s", passed, err, &rest)
	}
}

// servers are those of one Redis for all tests of a run.
type servers struct {
	testing.TB
	once    sync.Once
	options redis.Options
	worlds  atomic.Int64
	ends    []func()
}

var shared servers

// Cleanup keeps what it is given until all tests have run.
func (s *servers) Cleanup(f func()) { s.ends = append(s.ends, f) }

func (s *servers) end() {
	for i := range s.ends {
		s.ends[len(s.ends)-1-i]()
	}
}

// redisStores are two stores with keys of their own, as two processes have them.
func redisStores(t testing.TB) (both []storage.Store) {
	t.Helper()
	shared.once.Do(func() {
		shared.TB = t
		switch *onStore {
		case "cluster":
			shared.options.Mode, shared.options.Addrs = redis.ModeCluster, redistest.StartCluster(&shared, 0).Addrs()
		case "redis":
			shared.options.Addrs = []string{redistest.Start(&shared).Addr()}
		default:
			t.Fatalf("no store %q", *onStore)
		}
	})
	o := shared.options
	o.KeyPrefix, o.Timeout = fmt.Sprint("world", shared.worlds.Add(1)), 5*time.Second
	o.StrangersKey, o.Logger = []byte("a key that all processes share"), slog.New(slog.DiscardHandler)
	for range 2 {
		both = append(both, value(redis.Open(o))(t))
	}
	fill(t, both[0])
	return both
}

// untilTheClockMoves is the part of a session that goes by before it moves the clock.
func untilTheClockMoves(text string) string {
	before, _, moves := strings.Cut(text, "\n====\n# clock")
	if moves {
		before += "\n"
	}
	return before
}

// told is a point in time, or a number of seconds, in a response.
var told = regexp.MustCompile(`("(?:exp|iat|auth_time|expires_in)":|Retry-After: )(\d+)`)

// sameTimes is a session as it should be and as it is, without the times; they must be those that they should be, but for
// how long the tests have been running.
func sameTimes(t *testing.T, want, got string) (string, string) {
	t.Helper()
	passed := int64(time.Since(start)/time.Second) + 1
	wanted, had := told.FindAllStringSubmatch(want, -1), told.FindAllStringSubmatch(got, -1)
	for i := range min(len(wanted), len(had)) {
		w, h := number(t, wanted[i][2]), number(t, had[i][2])
		if w > 1e9 { // not a number of seconds
			w += start.Unix() - epoch.Unix()
		}
		if late := h - w; late < -passed || late > passed {
			t.Errorf("%s%d, want about %d", had[i][1], h, w)
		}
	}
	return told.ReplaceAllString(want, "${1}N"), told.ReplaceAllString(got, "${1}N")
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	return value(strconv.ParseInt(text, 10, 64))(t)
}

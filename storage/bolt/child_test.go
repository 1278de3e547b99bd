package bolt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// childEnv names the file that a child process works on.
const childEnv = "ROPCD_BOLT_TEST_FILE"

// workers is how many goroutines of a child change the file at once.
const workers = 8

// child works on the file until it is killed, and prints each thing that was acknowledged, once it was.
func child(path string) {
	s, err := bolt.Open(path, bolt.Options{Logger: quiet, SweepEvery: 5 * time.Millisecond})
	if errors.Is(err, bolt.ErrLocked) {
		fmt.Println("locked")
		return
	}
	if err != nil {
		fmt.Println("error", err)
		return
	}
	for w := range workers {
		go work(s, fmt.Sprintf("worker-%d-%d", os.Getpid(), w))
	}
	select {}
}

func say(format string, args ...any) {
	_, _ = os.Stdout.WriteString(fmt.Sprintf(format, args...) + "\n") // one write, so a line is whole or not there
}

// work logs one owner in, again and again, and does all that can be done to the grant.
func work(s *bolt.Store, name string) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			say("error %s", err)
		}
	}
	must(s.CreateUser(ctx, &realm.User{Realm: alpha, Username: name, ID: name, Enabled: true, Created: time.Now()}))
	say("user %s", name)
	for {
		failures := rand.IntN(3)
		for n := range failures {
			b, err := s.Begin(ctx, storage.Attempt{Realm: alpha, Username: name, Hold: time.Minute})
			must(err)
			must(s.Finish(ctx, storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure}))
			say("failures %s %d", name, n+1)
		}
		b, err := s.Begin(ctx, storage.Attempt{Realm: alpha, Username: name, Hold: time.Minute})
		must(err)
		g := newGrant(b.Reservation, time.Hour)
		say("clearing %s", name)
		must(s.Finish(ctx, storage.Settlement{Reservation: b.Reservation, Outcome: storage.Success, Grant: g}))
		say("failures %s 0", name)
		say("grant %s 0", g.ID)
		for range rand.IntN(4) {
			out, err := s.Refresh(ctx, storage.RefreshStep{
				ID: g.ID, Generation: g.Generation, Digest: g.RefreshDigest, Realm: alpha, ClientID: g.ClientID, Rotate: true,
				AccessLifetime: time.Hour, RefreshLifetime: time.Hour, ClientScopes: g.Scopes,
			})
			must(err)
			g = out.Grant
			say("grant %s %d", g.ID, g.Generation)
		}
		if rand.IntN(2) == 0 {
			say("ending %s", g.ID)
			must(s.Revoke(ctx, storage.Revocation{ID: g.ID, Digest: g.RefreshDigest, Realm: alpha, ClientID: g.ClientID}))
			say("ended %s", g.ID)
		}
	}
}

// known is what the children were told.
type known struct {
	users    map[string]bool
	failures map[string]int
	clearing map[string]bool
	grants   map[string]uint32
	ending   map[string]bool
	ended    map[string]bool
}

// hear reads what a child says until it dies.
func (k *known) hear(t *testing.T, r io.Reader, first func()) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var what, name string
		var n int
		_, _ = fmt.Sscan(lines.Text(), &what, &name, &n)
		switch what {
		case "user":
			k.users[name] = true
		case "failures":
			k.failures[name] = n
			delete(k.clearing, name)
		case "clearing":
			k.clearing[name] = true
		case "grant":
			k.grants[name] = uint32(n)
			first()
		case "ending":
			k.ending[name] = true
		case "ended":
			k.ended[name] = true
		default:
			t.Errorf("the child says: %s", lines.Text())
		}
	}
}

func TestNoAcknowledgedWriteIsLostByKilling(t *testing.T) {
	path := file(t)
	k := &known{map[string]bool{}, map[string]int{}, map[string]bool{}, map[string]uint32{}, map[string]bool{}, map[string]bool{}}
	for range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stuck := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		begun := false
		k.hear(t, out, func() {
			if !begun {
				begun = true
				time.AfterFunc(time.Duration(rand.IntN(250))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
		})
		stuck.Stop()
		_ = cmd.Wait()
		if !begun {
			t.Fatal("the child did nothing")
		}
		k.verify(t, path)
	}
	t.Logf("%d owners, %d grants of which %d ended", len(k.users), len(k.grants), len(k.ended))
	if len(k.grants) < 50 || len(k.ended) == 0 {
		t.Error("too little happened to prove anything")
	}
}

// verify compares the file with what was acknowledged. What was under way when the child died may have happened.
func (k *known) verify(t *testing.T, path string) {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name := range k.users {
		u, err := s.UserByName(t.Context(), alpha, name)
		if err != nil {
			t.Errorf("an acknowledged owner: %v", err)
			continue
		}
		n, want := u.Login.Consecutive, k.failures[name]
		if n != want && n != want+1 && (n != 0 || !k.clearing[name]) {
			t.Errorf("%d failures of an owner, %d acknowledged", n, want)
		}
	}
	for name, generation := range k.grants {
		id, err := storage.ParseGrantID(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Inspect(t.Context(), id)
		switch {
		case k.ended[name]:
			if !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("a grant whose end was acknowledged: %v", err)
			}
		case errors.Is(err, storage.ErrNotFound) && k.ending[name]:
		case err != nil:
			t.Errorf("an acknowledged grant: %v", err)
		case v.Grant.Generation < generation || v.Grant.Generation > generation+1:
			t.Errorf("generation %d of a grant, %d acknowledged", v.Grant.Generation, generation)
		}
	}
}

func TestSecondProcessIsRefusedAtOnce(t *testing.T) {
	path := file(t)
	open(t, path)
	start := time.Now()
	if _, err := bolt.Open(path, bolt.Options{Logger: quiet}); !errors.Is(err, bolt.ErrLocked) {
		t.Errorf("open it twice: %v", err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("refused after %v", d)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.Output()
	if string(out) != "locked\n" || err != nil {
		t.Errorf("another process: %q, %v", out, err)
	}
}

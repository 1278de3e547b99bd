package main_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// history is what one client was told about one grant.
type history struct {
	access  string // the newest acknowledged access token
	refresh string // the newest acknowledged refresh token
	spent   string // the one before it
	revoked string // an access token whose revocation was acknowledged
	ended   bool   // the grant's revocation was acknowledged
	unsure  bool   // asked to end or revoke, without an answer
}

// Acknowledged means on disk: SIGKILL at any moment loses no token, rotation or revocation that a client was told of.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", alpha)
	p := start(t, dir)
	p.enroll(t)
	for round := range 4 {
		histories := p.hammer(t, time.Duration(50+rand.IntN(400))*time.Millisecond)
		p = start(t, dir)
		checked := 0
		for _, h := range histories {
			if h.access != "" {
				checked++
				p.check(t, h)
			}
		}
		if checked == 0 {
			t.Errorf("round %d: nothing was acknowledged, so nothing was proved", round)
		}
		t.Logf("round %d: %d grants checked", round, checked)
	}
}

// hammer lets clients work until the process is killed after a while, and returns what they were told.
func (p *process) hammer(t *testing.T, after time.Duration) []*history {
	t.Helper()
	var all []*history
	var mu sync.Mutex
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				h := &history{}
				mu.Lock()
				all = append(all, h)
				mu.Unlock()
				if !p.live(h) {
					return
				}
			}
		})
	}
	time.AfterFunc(after, func() { _ = p.cmd.Process.Kill() })
	clients.Wait()
	<-p.exited
	return all
}

// live is one grant's life: login, rotations, and an end for some. It returns false when nobody answers any more.
func (p *process) live(h *history) bool {
	a, err := p.call("access_token", passwordGrant())
	if err != nil {
		return false
	}
	h.access, h.refresh = a.text("access_token"), a.text("refresh_token")
	for range 3 {
		if a, err = p.call("access_token", refreshGrant(h.refresh)); err != nil {
			return false
		}
		if a.status == http.StatusOK {
			h.spent, h.access, h.refresh = h.refresh, a.text("access_token"), a.text("refresh_token")
		}
	}
	switch rand.IntN(3) {
	case 0:
		h.unsure = true
		if _, err := p.call("token/revoke", theToken(h.access)); err != nil {
			return false
		}
		h.revoked, h.unsure = h.access, false
	case 1:
		h.unsure = true
		if _, err := p.call("token/revoke", theToken(h.refresh)); err != nil {
			return false
		}
		h.ended, h.unsure = true, false
	}
	return true
}

// check compares what a client was told with what is there after the restart.
func (p *process) check(t *testing.T, h *history) {
	t.Helper()
	if h.ended {
		if p.active(t, h.access) || p.active(t, h.refresh) {
			t.Error("a token of a revoked grant is active after the restart")
		}
		return
	}
	if h.revoked != "" && p.active(t, h.revoked) {
		t.Error("a revoked access token is active after the restart")
	}
	if h.unsure {
		return
	}
	if h.revoked == "" && !p.active(t, h.access) {
		t.Error("an acknowledged access token is gone after the restart")
	}
	if a := p.must(t, "access_token", refreshGrant(h.refresh)); a.status != http.StatusOK {
		t.Errorf("an acknowledged refresh token is refused after the restart: %d %v", a.status, a.body)
	}
}

func TestSecondProcessOnTheStoreExits2(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", alpha)
	p := start(t, dir)
	out, err := p.try("", "serve")
	if status := exitStatus(err); status != 2 {
		t.Errorf("exit status %d, want 2: %s", status, out)
	}
}

// A spent refresh token stays spent over a restart, and outside the grace it ends the grant (CVE-2026-9802).
func TestReuseIsDetectedAfterRestart(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", noGrace)
	p := start(t, dir)
	p.enroll(t)
	first := p.login(t)
	second := p.must(t, "access_token", refreshGrant(first.text("refresh_token")))
	p.kill()
	p = start(t, dir)
	if a := p.must(t, "access_token", refreshGrant(first.text("refresh_token"))); a.status != http.StatusBadRequest {
		t.Errorf("a spent refresh token after a restart: %d %v", a.status, a.body)
	}
	if a := p.must(t, "access_token", refreshGrant(second.text("refresh_token"))); a.status != http.StatusBadRequest {
		t.Errorf("its successor after the reuse: %d %v", a.status, a.body)
	}
}

// noGrace is alpha without a grace for spent refresh tokens.
const noGrace = `  alpha:
    authentication: {organization_authentication_configuration: PasswordGrant}
    oauth2_provider: {refresh_token_grace_period: 0}
    journeys:
      PasswordGrant:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {true: success, false: failure}}
`

// A process that is asked to stop answers what is under way, and exits 0.
func TestDrainAnswersWhatIsUnderWay(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", alpha)
	p := start(t, dir)
	p.enroll(t)
	var clients sync.WaitGroup
	var mu sync.Mutex
	counts := map[int]int{}
	begun := make(chan struct{}, 64)
	for range 8 {
		clients.Go(func() {
			for {
				a, err := p.call("access_token", passwordGrant())
				if err != nil {
					return // refused at the door, or a kept connection that was closed while idle
				}
				mu.Lock()
				counts[a.status]++
				mu.Unlock()
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 16 {
		<-begun
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	clients.Wait()
	for status, n := range counts {
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Errorf("%d answers with status %d", n, status)
		}
	}
	t.Logf("answers by status: %v", counts)
}

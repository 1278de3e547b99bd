// Package childtest runs server programs for tests: children that never outlive the test that started them.
//
// It leaves which program, how it is configured and when it answers to who runs it: storage/redis/redistest and
// pkg/directory/directorytest.
//
// The one thing to know before changing it: a child dies with the thread that started it (Linux), so that it also ends
// when its test panics or is killed.
package childtest

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit is how long a child may take until it answers.
const startLimit = 20 * time.Second

// Child is one program that runs, or did. The zero value runs nothing. Its methods may be called from one goroutine at a
// time, [Child.Kill] from any.
type Child struct {
	mu  sync.Mutex
	cmd *exec.Cmd
}

// Run runs a program and waits until it answers. An error holds what the program said.
func (c *Child) Run(cmd *exec.Cmd, answers func() bool) error {
	name := filepath.Base(cmd.Path)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = orphan()
	started, over := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // a child dies with the thread that started it: keep this one until then
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			over <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	c.mu.Lock()
	c.cmd = cmd
	c.mu.Unlock()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-over:
			c.Kill()
			return fmt.Errorf("%s ended: %w\n%s", name, err, log.String())
		default:
		}
		if answers() {
			return nil
		}
	}
	c.Kill()
	return errors.New(name + " does not answer")
}

// Kill ends the child with SIGKILL, and returns when it is gone.
func (c *Child) Kill() { c.end(syscall.SIGKILL) }

// Stop ends the child with SIGTERM, as an orderly shutdown does, and returns when it is gone.
func (c *Child) Stop() { c.end(syscall.SIGTERM) }

// Pause stops the child's process: connections stay and are made, nothing is answered. Its threads stop one after the
// other.
func (c *Child) Pause() { c.signal(syscall.SIGSTOP) }

// Resume lets a paused child go on.
func (c *Child) Resume() { c.signal(syscall.SIGCONT) }

func (c *Child) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil {
		_ = c.cmd.Process.Signal(sig)
	}
}

func (c *Child) end(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGCONT)
	_ = c.cmd.Process.Signal(sig)
	for c.cmd.Process.Signal(syscall.Signal(0)) == nil { // until it was waited for
		time.Sleep(time.Millisecond)
	}
	c.cmd = nil
}

// Start calls run, which chooses a [FreePort] and runs a program on it, again if somebody else takes the port in between.
func Start(t testing.TB, run func() error) {
	t.Helper()
	var err error
	for range 5 {
		if err = run(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// FreePort is a port of 127.0.0.1 that nobody listens on, at the moment.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

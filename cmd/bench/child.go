package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// patience is how long something may take that has to happen.
const patience = 60 * time.Second

// cores are who runs where. -1 is anywhere.
type cores struct{ server, redis, load int }

// assign gives the server the first core, and Redis and the load the others, of which the load has the rest.
func assign(allowed []int) cores {
	switch {
	case len(allowed) < 2:
		return cores{-1, -1, -1}
	case len(allowed) == 2:
		return cores{allowed[0], allowed[1], allowed[1]}
	}
	return cores{allowed[0], allowed[1], allowed[2]}
}

func (c cores) String() string {
	if c.server < 0 {
		return "nothing is pinned: one core only, or no Linux. Rates are those of a shared core"
	}
	return fmt.Sprintf("the server on core %d, Redis on core %d, the load on core %d", c.server, c.redis, c.load)
}

// child is a process that this one started. It dies with it (Linux).
type child struct {
	cmd  *exec.Cmd
	over chan struct{}
}

// spawn starts a program on a core.
func spawn(core int, cmd *exec.Cmd) (*child, error) {
	cmd.SysProcAttr = orphan()
	c := &child{cmd: cmd, over: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The child has the affinity of the thread that starts it, and dies with it: so this thread is its own, and ends with
		// it.
		runtime.LockOSThread()
		err := pin(core)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(c.over)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// kill ends the child and returns when it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.over
}

// stop asks the child to end, and returns when it is gone.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(os.Interrupt)
	select {
	case <-c.over:
	case <-time.After(patience):
		c.kill()
	}
}

// await waits until something holds, as long as the child runs.
func (c *child) await(what string, holds func() bool) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-c.over:
			return fmt.Errorf("%s ended before: %s", filepath.Base(c.cmd.Path), what)
		case <-late:
			return fmt.Errorf("not in time: %s", what)
		}
	}
	return nil
}

// resident is the memory of the process in bytes: all, and without pages of files.
func (c *child) resident() (all, anonymous figure) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.pid()), "status"))
	if err != nil {
		return unknown, unknown
	}
	field := func(name string) figure {
		_, rest, found := strings.Cut(string(status), "\n"+name+":")
		words := strings.Fields(rest)
		if !found || len(words) == 0 {
			return unknown
		}
		kib, err := strconv.Atoi(words[0])
		if err != nil {
			return unknown
		}
		return figure(kib << 10)
	}
	return field("VmRSS"), field("RssAnon")
}

// self is this program again, in another role.
func self(role string, args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(path, args...) //nolint:noctx // it is killed
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// listening starts this program in a role that serves, and tells where: it prints its address as its first line.
func listening(core int, role string, args ...string) (*child, string, error) {
	cmd, err := self(role, args...)
	if err != nil {
		return nil, "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", fmt.Errorf("start %s: %w", role, err)
	}
	c, err := spawn(core, cmd)
	if err != nil {
		return nil, "", err
	}
	line := make([]byte, 64)
	n, err := out.Read(line)
	addr, _, whole := bytes.Cut(line[:n], []byte("\n"))
	if err != nil || !whole {
		c.kill()
		return nil, "", errors.Join(fmt.Errorf("%s does not tell where it listens", role), err)
	}
	return c, string(addr), nil
}

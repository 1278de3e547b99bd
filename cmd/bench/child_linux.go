package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orphan lets a child die with this process, also when that is killed and cleans up nothing.
func orphan() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// allowed are the cores that this process may use.
func allowed() (list []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	for i := range 8 * len(set) * 8 {
		if set.IsSet(i) {
			list = append(list, i)
		}
	}
	return list
}

// pin keeps the calling thread, and the processes that it starts, on a core; -1: nowhere.
func pin(core int) error { return pinThread(0, core) }

func pinThread(thread, core int) error {
	if core < 0 {
		return nil
	}
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	return nil
}

// pinSelf keeps all threads of this process on a core. Those to come have the affinity of those that start them.
func pinSelf(core int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("list threads: %w", err)
		}
		if err := pinThread(id, core); err != nil {
			return err
		}
	}
	return nil
}

// processorTime is what a process has taken of all cores until now (see clock_getcpuclockid of the C library).
func processorTime(pid int) (time.Duration, bool) {
	const schedulers = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|schedulers, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}

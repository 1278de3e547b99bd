package main_test

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// limitOutages is that a process that runs can write no file any more, as when the disk is full; pipes it can.
func limitOutages(p *process, name string, status int) []outage {
	const fileSize = 1 // RLIMIT_FSIZE
	limit := func(l syscall.Rlimit) {
		_, _, no := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), fileSize, uintptr(unsafe.Pointer(&l)), 0, 0, 0)
		if no != 0 {
			fmt.Fprintln(os.Stderr, "prlimit:", no) // the outage will not be felt
		}
	}
	const most = ^uint64(0)
	return []outage{{
		name: name, status: status, begin: func() { limit(syscall.Rlimit{Cur: 0, Max: most}) }, end: func() { limit(syscall.Rlimit{Cur: most, Max: most}) },
	}}
}

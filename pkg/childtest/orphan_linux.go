package childtest

import "syscall"

// orphan lets a child die with the test that started it, also when that panics or is killed and cleans up nothing.
func orphan() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

//go:build !linux

package childtest

import "syscall"

// orphan has no counterpart outside Linux: what a killed test leaves behind must be killed by hand.
func orphan() *syscall.SysProcAttr { return nil }

//go:build !linux

package main

import (
	"syscall"
	"time"
)

// Outside Linux nothing is pinned and no clock of another process is read. A killed bench leaves its children behind.

func orphan() *syscall.SysProcAttr { return nil }

func allowed() []int { return nil }

func pin(int) error { return nil }

func pinSelf(int) error { return nil }

func processorTime(int) (time.Duration, bool) { return 0, false }

//go:build !linux

package main_test

// limitOutages are none: only Linux limits another process.
func limitOutages(*process, string, int) []outage { return nil }

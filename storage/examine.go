package storage

import (
	"context"
	"iter"
)

// Level is how bad a [Finding] is.
type Level string

// The levels of findings.
const (
	LevelOK       Level = "ok"
	LevelWarn     Level = "warn" // it works, and should be mended
	LevelFail     Level = "fail" // it does not work, or will lose what it must keep
	LevelProgress Level = "progress"
)

// Finding is what a look at one thing has shown. It holds no secret. It names some of the keys that something is wrong
// with, quoted for a terminal, so that an administrator finds them: a key may hold a user name, so that a Finding is shown
// to who asked for it and belongs in no log.
type Finding struct {
	Level Level  `json:"level"`
	Check string `json:"check"` // what was looked at
	Found string `json:"found"`
	Todo  string `json:"todo,omitempty"` // what to do about it
}

// Examiner is a store that can look at itself.
type Examiner interface {
	// Examine looks at the store's settings, and at all that is in it, a little at a time. Findings come as they are made;
	// those of [LevelProgress] only tell how far it is. With repair it removes what leads nowhere and nobody can miss, and
	// says so; without, it changes nothing that anybody could see.
	Examine(ctx context.Context, repair bool) iter.Seq[Finding]
}

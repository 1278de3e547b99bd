package guard

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// SourceLogin is the account of attempts of a source, in the list, or nil if it is not known.
func SourceLogin(known []storage.KnownSource, s storage.Source) *realm.Login {
	for i := range known {
		if known[i].Source == s && s != (storage.Source{}) {
			return &known[i].Login
		}
	}
	return nil
}

// Know clears the account of a source from which somebody has just logged in, with a right one-time code or without, or
// makes the source known: in place of the one whose last success is the oldest, if there are as many as may be. Nowhere is
// never known.
func Know(known []storage.KnownSource, s storage.Source, code bool, now time.Time) []storage.KnownSource {
	if s == (storage.Source{}) {
		return known
	}
	if l := SourceLogin(known, s); l != nil {
		Succeed(l, code, now)
		return known
	}
	fresh := storage.KnownSource{Source: s, Login: realm.Login{LastLogin: now}}
	if len(known) < storage.MaxSources {
		return append(known, fresh)
	}
	oldest := 0
	for i, k := range known {
		if k.Login.LastLogin.Before(known[oldest].Login.LastLogin) {
			oldest = i
		}
	}
	known[oldest] = fresh
	return known
}

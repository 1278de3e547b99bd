package nodes

import (
	"bytes"
	_ "embed"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
)

// passwordSet is a set of passwords without regard to case: their digests, sorted. Eight bytes for each make a list of
// millions bearable. The digests are keyed anew in each process, so that the time of a search says nothing of the place
// in the list, and two passwords of one digest are as likely as one in 2^64 for each that the set holds.
type passwordSet []uint64

var passwordSeed = maphash.MakeSeed()

func digest(password string) uint64 {
	return maphash.String(passwordSeed, strings.ToLower(password))
}

// newPasswordSet takes a password from each line that is not empty. What it returns holds no more memory than it needs.
func newPasswordSet(text []byte) passwordSet {
	var set passwordSet
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) > 0 {
			set = append(set, digest(string(line)))
		}
	}
	slices.Sort(set)
	return slices.Clone(slices.Compact(set))
}

func (s passwordSet) contains(password string) bool {
	_, found := slices.BinarySearch(s, digest(password))
	return found
}

// commonPasswords are those at the top of the public statistics of leaked passwords, year after year.
//
//go:embed commonpasswords.txt
var commonPasswords []byte

var builtinPasswords = sync.OnceValue(func() passwordSet { return newPasswordSet(commonPasswords) })

package redis

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

// What a key's kind says of it: see [keyring].
var kinds = map[string]struct {
	name  string
	life  life
	value bool // it is a string that is decoded
}{
	"u": {"owners", lasting, true}, "i": {"indices of grants", either, false}, "g": {"grants", either, true},
	"k": {"known sources", lasting, true}, "r": {"reservations", passing, false}, "x": {"accounts of strangers", passing, true},
	"y": {"reservations of strangers", passing, false}, "n": {"marks of writes", passing, false}, "id": {"pointers", lasting, true},
	"c": {"clients", lasting, true}, "e": {"epochs", lasting, true}, "l": {"rate limits", passing, false}, "p": {"probes", passing, false},
	"s": {"marks of secrets", passing, false},
}

// life is whether keys of a kind have a TTL.
type life int

const (
	passing life = iota
	lasting
	either
)

// entry is one key.
type entry struct {
	key, kind, rest, base string
	ttl                   time.Duration // negative: none
	value                 string
}

// census is what was counted.
type census struct {
	keys                               int
	kinds, versions                    map[string]int
	unknown                            map[string]int
	immortal, mortal, damaged          tally
	members, removedMembers, malformed int
	unindexed                          []string
	pointers, removedPointers, unfound int
}

// shape is prefix:{tag}:kind:rest, or p without a rest, behind the prefix.
var shape = regexp.MustCompile(`(?s)^:\{[0-9a-f]{3}\}:([a-z]+)(?::(.*))?$`)

func (k keyring) parse(key string) (e entry, ok bool) {
	behind, ok := strings.CutPrefix(key, string(k))
	m := shape.FindStringSubmatch(behind)
	if !ok || m == nil {
		return entry{key: key}, false
	}
	_, known := kinds[m[1]]
	return entry{key: key, kind: m[1], rest: m[2], base: key[:len(k)+len(":{000}:")]}, known
}

// contents looks at all keys, and reports what was found in them.
func (x *examination) contents() {
	n := &census{
		kinds: map[string]int{}, versions: map[string]int{}, unknown: map[string]int{}, immortal: tally{}, mortal: tally{}, damaged: tally{},
	}
	err := x.masters(x.ctx, func(c goredis.Cmdable) error {
		for cursor, first := uint64(0), true; (first || cursor != 0) && !x.over; first = false {
			keys, next, err := x.page(x.ctx, c, cursor, glob.Replace(string(x.keys))+":*")
			if err != nil {
				return err
			}
			slices.Sort(keys)
			if err := x.batch(c, slices.Compact(keys), n); err != nil {
				return err
			}
			if n.keys += len(keys); len(keys) > 0 {
				x.report(storage.LevelProgress, "keys", fmt.Sprintf("%d looked at", n.keys), "")
			}
			cursor = next
		}
		return nil
	})
	if err != nil {
		x.failed("keys", err)
		return
	}
	x.summarize(n)
}

// batch looks at the keys of one page.
func (x *examination) batch(c goredis.Cmdable, keys []string, n *census) error {
	var known []*entry
	for _, key := range keys {
		e, ok := x.keys.parse(key)
		if !ok {
			n.unknown[kindOnly(key)]++
			continue
		}
		known = append(known, &e)
	}
	known, err := x.read(c, known)
	if err != nil {
		return err
	}
	for _, e := range known {
		kind := kinds[e.kind]
		n.kinds[kind.name]++
		switch {
		case e.ttl < 0 && kind.life == passing:
			n.immortal.add(kind.name, e.key)
		case e.ttl >= 0 && kind.life == lasting:
			n.mortal.add(kind.name, e.key)
		}
		if err := x.record(e, n); err != nil {
			return err
		}
	}
	return nil
}

// kindOnly is a key without what may be somebody's name.
func kindOnly(key string) string {
	parts := strings.SplitN(key, ":", 4)
	if len(parts) == 4 {
		parts[3] = "…"
	}
	return strconv.Quote(strings.Join(parts, ":"))
}

// read reads lives and values, and leaves out what is gone. A value of another type than it should have is empty.
func (x *examination) read(c goredis.Cmdable, entries []*entry) ([]*entry, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(x.ctx, x.opts.Timeout)
	defer cancel()
	lives, values := make([]*goredis.DurationCmd, len(entries)), make([]*goredis.StringCmd, len(entries))
	err := unsent(c.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i, e := range entries {
			lives[i] = p.PTTL(ctx, e.key)
			if kinds[e.kind].value {
				values[i] = p.Get(ctx, e.key)
			}
		}
		return nil
	}))
	if err != nil {
		return nil, err
	}
	out := entries[:0]
	for i, e := range entries {
		if e.ttl, err = lives[i].Result(); err != nil {
			return nil, err
		}
		if values[i] != nil {
			e.value, err = values[i].Result()
			if err != nil && err != goredis.Nil && !goredis.HasErrorPrefix(err, "WRONGTYPE") { //nolint:errorlint // go-redis gives it as it is
				return nil, err
			}
		}
		if e.ttl != gone {
			out = append(out, e)
		}
	}
	return out, nil
}

// gone is what go-redis says of the life of a key that is not there.
const gone = -2

// summarize reports what all keys together are.
func (x *examination) summarize(n *census) {
	x.ok("keys", fmt.Sprintf("%d under %s:, %s", n.keys, x.opts.KeyPrefix, counts(n.kinds)))
	x.ok("records", "versions: "+counts(n.versions))
	x.found("unknown keys", counts(n.unknown), storage.LevelWarn, "are not ropcd's, or a newer version's: give ropcd a key_prefix of its own")
	x.found("keys without a life", n.immortal.String(), storage.LevelWarn, "should expire and will not: something else has written them, or taken the life away; PEXPIRE them")
	x.found("keys with a life", n.mortal.String(), storage.LevelFail, "must stay and will expire: something else has given them a life; PERSIST them")
	x.found("damaged records", n.damaged.String(), storage.LevelFail, "are not what was written under their key: restore them from a backup, or delete and make them anew")
	if n.malformed > 0 {
		x.ok("malformed index members", fmt.Sprintf("%d were removed", n.malformed))
	}
	x.orphans("index members", "lead to grants that are gone", n.members, n.removedMembers)
	x.orphans("id pointers", "lead to owners that are gone, or have another id", n.pointers, n.removedPointers)
	if n.unfound > 0 {
		x.report(storage.LevelFail, "owners", fmt.Sprintf("%d cannot be found by id", n.unfound), "delete them and create them again")
	}
	if len(n.unindexed) > 0 {
		x.report(storage.LevelFail, "grants", fmt.Sprintf("%d are in no index, so that ending those of their owner misses them: %s",
			len(n.unindexed), strings.Join(n.unindexed[:min(len(n.unindexed), 3)], " ")), "end them with ropcd session revoke --client, or --all")
		return
	}
	x.ok("grants", "all are in the index of their owner")
}

// found reports keys of kinds that are not as they should be.
func (x *examination) found(check string, found string, level storage.Level, why string) {
	if found == none {
		x.ok(check, found)
		return
	}
	x.report(level, check, found, why)
}

// orphans reports what leads nowhere.
func (x *examination) orphans(check, what string, n, removed int) {
	switch {
	case n == 0:
		x.ok(check, "all lead somewhere")
	case x.repair:
		x.ok(check, fmt.Sprintf("%d of %d that %s were removed", removed, n, strings.Replace(what, "lead", "led", 1)))
	default:
		x.report(storage.LevelWarn, check, fmt.Sprintf("%d %s", n, what), "they do no harm; ropcd doctor --repair removes them")
	}
}

// none is the text of an empty list.
const none = "none"

// counts is numbers by what they count, as text.
func counts(n map[string]int) string {
	if len(n) == 0 {
		return none
	}
	var list []string
	for _, what := range slices.Sorted(maps.Keys(n)) {
		list = append(list, fmt.Sprintf("%s %d", what, n[what]))
	}
	return strings.Join(list, ", ")
}

// tally is keys by what kind of key they are: how many, and the first of them.
type tally map[string]*struct {
	n     int
	first []string
}

// maxExamples is how many keys of a kind are named, so that somebody can look at them.
const maxExamples = 3

func (t tally) add(kind, key string) {
	if t[kind] == nil {
		t[kind] = &struct {
			n     int
			first []string
		}{}
	}
	if t[kind].n++; t[kind].n <= maxExamples {
		t[kind].first = append(t[kind].first, strconv.Quote(key))
	}
}

func (t tally) String() string {
	if len(t) == 0 {
		return none
	}
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		list = append(list, fmt.Sprintf("%s %d (%s)", kind, t[kind].n, strings.Join(t[kind].first, " ")))
	}
	return strings.Join(list, ", ")
}

package redis

import (
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

// fault is the one place where an error of the server, the network or go-redis becomes one of storage. Whatever is not
// known to be a damaged value is the server's fault: refused, timed out, cut off, READONLY, OOM, LOADING, CLUSTERDOWN,
// MASTERDOWN, TRYAGAIN, NOREPLICAS, NOPERM, MISCONF, a script that stopped, a reply that is none.
func fault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrUnavailable), errors.Is(err, storage.ErrDamaged):
		return err
	case goredis.HasErrorPrefix(err, "WRONGTYPE"), goredis.HasErrorPrefix(err, "DAMAGED"):
		return fmt.Errorf("%w: %w", storage.ErrDamaged, err)
	}
	return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
}

// errReply is a reply that no script of ours gives.
var errReply = fmt.Errorf("%w: unexpected reply", storage.ErrUnavailable)

// answers are what scripts say in words.
var answers = map[string]error{
	"ok":       nil,
	"none":     storage.ErrNotFound,
	"exists":   storage.ErrExists,
	"taken":    storage.ErrExists,
	"conflict": storage.ErrConflict,
	"used":     storage.ErrCodeUsed,
	"full":     storage.ErrTooManyGrants,
	"other":    storage.ErrOtherClient,
	"changed":  errChanged,
	"stale":    errStale,
	"ask":      errAsk,
}

// What the store itself must act on. None of them is ever returned to a caller.
var (
	errChanged = errors.New("changed under way")
	errStale   = errors.New("the epochs seen are too old")
	errAsk     = errors.New("the id points to another name")
)

// verdict is the meaning of a script's word.
func verdict(reply any) error {
	word, ok := reply.(string)
	if !ok {
		return errReply
	}
	err, ok := answers[word]
	if !ok {
		return errReply
	}
	return err
}

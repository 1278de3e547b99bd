package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/pace"
)

// errSlow is the cause of a context's end when a check has taken too long, whatever its caller thinks of it.
var errSlow = errors.New("check has taken too long")

// Directory is one or more servers with the same entries. Safe for concurrent use.
type Directory struct {
	opts    Options
	servers []*server
	wanted  []string // attributes of an entry
	pool    *pool
	pace    pace.Pace
}

// Open checks the options, and connects to nobody yet. Close the directory when nobody needs it any more.
func Open(o Options) (*Directory, error) {
	o.complete()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	roots, err := o.roots()
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	d := &Directory{opts: o, wanted: append(slices.Sorted(maps.Values(o.Attributes)), o.NameAttribute), pool: newPool(o.Connections)}
	for i, address := range o.URLs {
		s, err := newServer(address, o.StartTLS, roots)
		if err != nil {
			return nil, fmt.Errorf("directory: URL %d: %w", i+1, err)
		}
		d.servers = append(d.servers, s)
	}
	if len(d.servers) == 0 {
		return nil, errors.New("directory: no URL: list at least one, such as ldaps://directory.example.org")
	}
	return d, nil
}

// Close closes the connections that are kept. Checks under way end as they would; later ones are [ErrUnavailable].
func (d *Directory) Close() error {
	d.pool.Close()
	return nil
}

// Check asks whether the user's password is right, until ctx or Options.Timeout ends. A no is an answer, and whatever its
// state comes no sooner than a wrong password's. Without an answer the error is [ErrUnavailable], also when ctx ends, or
// [ErrAmbiguous]. Errors name nobody.
//
// A password that is empty or has a NUL byte is wrong at once, and nobody is asked: servers take the one, and may take
// the other, for a bind that proves nothing.
func (d *Directory) Check(ctx context.Context, username, password string) (Answer, error) {
	if !sendable(password) {
		return Answer{State: Wrong}, nil
	}
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, d.opts.Timeout, errSlow)
	defer cancel()
	answer, err := d.ask(ctx, username, password)
	switch {
	case err != nil || answer.Right:
		return answer, err
	case answer.State == Wrong:
		d.pace.Add(time.Since(start))
		return answer, nil
	default:
		return answer, d.delay(ctx, start)
	}
}

// Refuse takes as long as a wrong password took lately. It is for attempts that must not be evaluated: nobody's password
// is tried. Only until a wrong password was seen the servers are asked at all, for a random name. It returns
// [ErrUnavailable] where Check would be likely to: if no server has answered lately, or ctx ends.
func (d *Directory) Refuse(ctx context.Context) error {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, d.opts.Timeout, errSlow)
	defer cancel()
	if !d.pace.Known() {
		_, err := d.ask(ctx, rand.Text(), rand.Text())
		return err
	}
	if !slices.ContainsFunc(d.servers, func(s *server) bool { return !s.cooling() }) {
		return &stepError{step: "refuse", reason: "no server has answered lately"}
	}
	return d.delay(ctx, start)
}

func (d *Directory) delay(ctx context.Context, start time.Time) error {
	if err := d.pace.Wait(ctx, start); err != nil {
		return broken("wait", err)
	}
	return nil
}

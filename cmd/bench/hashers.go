package main

import (
	"bufio"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
)

// nullHasher takes the place of argon2id and computes nothing, to show what everything else costs.
type nullHasher struct{}

var _ password.Hasher = nullHasher{}

const nullPrefix = "$null$"

// Name implements [password.Hasher]: the hasher that the configuration asks for by default.
func (nullHasher) Name() string { return password.Argon2id{}.Name() }

// Matches implements [password.Hasher].
func (nullHasher) Matches(encoded string) bool { return strings.HasPrefix(encoded, nullPrefix) }

// Check implements [password.Hasher].
func (nullHasher) Check(string) error { return nil }

// Verify implements [password.Hasher].
func (nullHasher) Verify(given []byte, encoded string) (bool, error) {
	return subtle.ConstantTimeCompare(given, []byte(strings.TrimPrefix(encoded, nullPrefix))) == 1, nil
}

// Hash implements [password.Hasher].
func (nullHasher) Hash(given []byte) (string, error) { return nullPrefix + string(given), nil }

// Current implements [password.Hasher].
func (n nullHasher) Current(encoded string) bool { return n.Matches(encoded) }

// bcryptCost is that of the rows with bcrypt.
const bcryptCost = 10

// hasherOf is what the raw loop computes.
func hasherOf(name string) password.Hasher {
	if name == (password.Bcrypt{}).Name() {
		return password.Bcrypt{Cost: bcryptCost}
	}
	return password.Argon2id{}
}

// hashLoop is the ceiling of a login: a process that computes one hash after the other when it is told to.
type hashLoop struct {
	*child
	in  io.WriteCloser
	out *bufio.Scanner
}

var _ target = (*hashLoop)(nil)

// hashed is what the loop answers.
type hashed struct {
	N              int
	Wall, CPU      time.Duration
	Measured, Fine bool
	Mallocs        uint64
}

func startHashLoop(core int, algorithm string) (*hashLoop, error) {
	cmd, err := self(roleHashes, algorithm)
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start hash loop: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start hash loop: %w", err)
	}
	c, err := spawn(core, cmd)
	if err != nil {
		return nil, err
	}
	return &hashLoop{child: c, in: in, out: bufio.NewScanner(out)}, nil
}

var errHashLoop = errors.New("the hash loop has ended")

func (h *hashLoop) run(d time.Duration) (sample, error) {
	if _, err := fmt.Fprintln(h.in, int64(d)); err != nil {
		return sample{}, errHashLoop
	}
	var r hashed
	if !h.out.Scan() || json.Unmarshal(h.out.Bytes(), &r) != nil || !r.Fine {
		return sample{}, errHashLoop
	}
	s := sample{n: r.N, wall: r.Wall, cpu: unknown, mallocs: figure(r.Mallocs)}
	if r.Measured {
		s.cpu = figure(r.CPU)
	}
	for range r.N {
		s.times = append(s.times, r.Wall/time.Duration(r.N))
	}
	return s, nil
}

// serveHashes is the loop's process: for each duration that it reads it computes that long, and answers with a line.
func serveHashes(algorithm string) error {
	h, given := hasherOf(algorithm), []byte(ownerPassword)
	encoded, err := h.Hash(given)
	if err != nil {
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	for {
		var d time.Duration
		if _, err := fmt.Scanln(&d); err != nil {
			return nil //nolint:nilerr // nobody wants more
		}
		r := hashed{Fine: true}
		allocated, start := mallocs(), time.Now()
		cpu, known := processorTime(os.Getpid())
		for time.Since(start) < d || r.N == 0 {
			ok, err := h.Verify(given, encoded)
			r.Fine = r.Fine && ok && err == nil
			r.N++
		}
		after, still := processorTime(os.Getpid())
		r.Wall, r.CPU, r.Measured, r.Mallocs = time.Since(start), after-cpu, known && still, mallocs()-allocated
		if err := answers.Encode(r); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
}

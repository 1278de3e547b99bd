package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"syscall"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/ropcd"
)

// What this program is when it starts itself.
const (
	roleEnv    = "BENCH_ROLE"
	nullEnv    = "BENCH_NULL"
	profileEnv = "BENCH_PROFILE"

	roleServer = "server"
	roleBare   = "bare"
	rolePeer   = "peer"
	roleHashes = "hashes"
)

func main() {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role, os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", role, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// play is what a child does.
func play(role string, args []string) error {
	arg := ""
	if len(args) > 0 {
		arg = args[0]
	}
	switch role {
	case roleServer:
		return serveProfiled(args)
	case roleBare:
		return serveBare(arg)
	case rolePeer:
		return servePeer()
	case roleHashes:
		return serveHashes(arg)
	}
	return errors.New("no such role")
}

// serveProfiled is ropcd itself, with the null hasher if the environment says so, and with a profile of its CPU.
func serveProfiled(args []string) error {
	o := ropcd.Options{}
	if null, _ := strconv.ParseBool(os.Getenv(nullEnv)); null {
		o.Hashers = []password.Hasher{nullHasher{}}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if path := os.Getenv(profileEnv); path != "" {
		f, err := os.Create(path)
		if err != nil {
			return fmt.Errorf("make the profile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	if status := ropcd.Run(ctx, o, args, os.Stdin, os.Stdout, os.Stderr); status != 0 {
		return fmt.Errorf("exit status %d", status)
	}
	return nil
}

// bench is one run.
type bench struct {
	cores    cores
	dir      string // for everything that is made, removed at the end
	binary   string // ropcd
	out      string // of the results, without their endings
	profiles string // a folder; empty: none are made
	only     string // the groups to run; empty: all

	quick       bool
	rounds      int
	slices      int           // of a phase, between which the targets take turns
	phase       time.Duration // of each target and round
	hashing     time.Duration // the same, where a password is hashed
	connections int
	hashers     int // connections where a password is hashed: more would only wait for the core
	handling    int // requests through handlers
	live        int // grants in the store whose memory is measured
	size        int // the largest store of make capacity
}

var errUsage = errors.New("usage: bench [flags] [capacity]")

// run reads the command line and measures.
func run(ctx context.Context, args []string, out io.Writer) error {
	b := &bench{cores: assign(allowed())}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&b.quick, "quick", false, "as short as can be: shows that it runs, and nothing else")
	flags.StringVar(&b.binary, "binary", filepath.Join("bin", "ropcd"), "the server, stripped as `make build` makes it")
	flags.StringVar(&b.out, "out", "", "where the results go, without .json and .svg (default bin/bench or bin/capacity)")
	flags.StringVar(&b.profiles, "profiles", "", "a folder for profiles of the servers' CPU")
	flags.StringVar(&b.only, "only", "", "groups of rows, with commas between: hash, null, handlers, process, memory")
	flags.IntVar(&b.size, "size", 1_000_000, "the most live grants of `bench capacity`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.lengths()
	mode := flags.Arg(0)
	if flags.NArg() > 1 || (mode != "" && mode != "capacity") {
		return errUsage
	}
	if b.out == "" {
		b.out = filepath.Join("bin", map[bool]string{true: "capacity", false: "bench"}[mode == "capacity"])
	}
	if err := b.prepare(); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if mode == "capacity" {
		return b.capacity(ctx, out)
	}
	return b.measure(ctx, out)
}

func (b *bench) lengths() {
	b.rounds, b.slices, b.phase, b.hashing, b.connections, b.live = 3, 4, 2*time.Second, 6*time.Second, 16, 100_000
	b.handling, b.hashers = 20_000, 2
	if b.quick {
		b.rounds, b.slices, b.phase, b.hashing, b.connections, b.live = 1, 1, 100*time.Millisecond, 100*time.Millisecond, 4, 200
		b.handling, b.hashers = 10, 1
		b.size = min(b.size, 400)
	}
}

// prepare makes a folder, finds the server, and leaves its core to it.
func (b *bench) prepare() (err error) {
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return fmt.Errorf("find the server: %w", err)
	}
	if b.profiles != "" {
		if b.profiles, err = filepath.Abs(b.profiles); err != nil {
			return fmt.Errorf("find the folder of profiles: %w", err)
		}
	}
	if _, err := os.Stat(b.binary); err != nil {
		return fmt.Errorf("find the server (make build): %w", err)
	}
	if err := pinSelf(b.cores.load); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	return nil
}

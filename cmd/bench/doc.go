// Bench measures what the server costs beside what it can't do without: the hash, an HTTP handler, a round trip to Redis,
// and fosite's own handlers. `make bench` runs it, and `make capacity` runs it with stores of different sizes.
//
// It leaves floods of logins to cmd/ropcd (`make soak`), and what a single function costs to the Go benchmarks beside the
// code (`make benchcmp`).
//
// The one thing to know before changing it: a figure counts only beside its ceiling, which is measured in the same run, in
// turns with it, on the same core. Nothing is compared with a number from another day.
//
// Decisions:
//
//   - The server has one core to itself (Linux), and Redis and the load have the others. Where there is one core only, or
//     no Linux, the output says so.
//   - The load is a client of its own, over connections that stay, with requests that are made beforehand: net/http's
//     client takes more of the machine than the server that it asks.
//   - A ratio is the worse one of two: of the rates, and of the CPU time per request. The first flatters the server when
//     something else is full, the second when the ceiling had nothing to do.
//   - What the server took is read from the kernel's clock of its process, to the nanosecond, and after the last answer.
//   - The server runs as it is by default but for rate limits, which are off, and audit events, which go to a file. It
//     logs each request. A hasher that does nothing is plugged in through pkg/ropcd, by this program: no configuration of
//     the server can ask for one.
//   - Stores are filled through their contract, with as many logins at once as they can take.
//   - Charts are drawn by github.com/go-analyze/charts, which only this program links.
package main

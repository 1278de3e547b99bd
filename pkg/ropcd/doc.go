// Package ropcd is the program: the command line, and the server put together from config.yaml. [Main] runs it; whoever
// needs more nodes, hashers or stores than are built in makes a server of their own with it in ten lines (see the
// example).
//
// It leaves the protocol to pkg/server, administration to pkg/admin (the verbs are its clients), and reading config.yaml
// to pkg/config.
//
// The one thing to know before changing it: exit statuses and names of flags are a contract. 0 is done, 1 refused or
// failed, 2 wrong usage or configuration. The keys of JSON, of YAML and of flags are the same names.
//
// Decisions:
//
//   - Secrets come by standard input and are printed once, if they were generated. No flag takes one: arguments are
//     visible to every process of the machine.
//   - Verbs talk to the running server, whatever its store; there is no second path to the data. Only doctor opens the store
//     itself when no server answers, since it is asked why none does.
//   - One goroutine reloads, whoever asks, so that two reloads never interleave. A reload that fails changes nothing.
//   - The store, the pool and the listeners are closed in the opposite order of their opening, after the last request.
package ropcd

// Package enumeration holds a statistical test and no code: the time of an answer does not tell whether a user exists.
//
// It leaves the bytes of the answers to the tests of pkg/server, and the time of directories to pkg/directory.
//
// The one thing to know before changing it: a test that finds no difference proves nothing unless it would have found
// one. So every run measures a class to which a delay was added on purpose, and fails when that is not found.
//
// Decisions:
//
//   - A real server on a real loopback listener, one request at a time over one connection, with all classes of refusals
//     shuffled anew in each round: whatever else the machine does meets all of them alike. The audit log confirms after
//     each answer why it was a "no", so that no class is another one by mistake.
//   - Cold is the first request of a name, so that each of its samples has a name of its own. Warm names come again.
//   - Samples are compared by Mann-Whitney's U and by the shift of Hodges and Lehmann, which a few slow answers do not
//     move. There is a difference when p < 1e-6 and the shift is above a bound: on hundreds of comparisons neither noise
//     nor a difference of no use to anybody is one.
//   - The short form, in make test, has a bound of 3 ms and samples until it has found 3 ms that were added: on a busy
//     machine it takes longer and does not fail. make enumeration has strict bounds, both stores and all hashes.
//   - The hashes are cheap. An expensive one adds the same to all classes, and noise.
package enumeration

// Package admin is how administrators change a running server: an API of JSON over HTTP on a Unix socket ([New],
// [Listen]), and the Go client for it ([Dial]) that the command line uses.
//
// It leaves what must hold at once to storage, who is asking to the file mode of the socket, and how things are shown to
// people to pkg/ropcd.
//
// The one thing to know before changing it: no answer, log or audit line holds a secret, a password or a hash of one,
// except a generated client secret, and the seed of a second factor, in the answer that made it. The types that are answered
// otherwise have no field for one.
//
// # Decisions
//
//   - A verb is a POST with one JSON object, /v1/client/create, so that no name has to survive a URL: client ids may hold
//     slashes and percent signs. Rejected: resources with paths, which are prettier and need escaping on both sides.
//   - Changes are listed as such in one table, and the wrapper of that table audits them. A verb can't forget it.
//   - A change is finished even if the caller hangs up; it has a deadline of its own.
//   - Who disables, deletes or sets a password ends the grants in the same step of the store. A client's grants end in
//     the step after; should that one fail, the answer says so, and doing the same again finishes it. Creating a client
//     first ends what an earlier one of the same id has left behind.
//   - Whether a client is public or confidential is decided when it is made (RFC 6749 section 2.1) and never changes.
//   - Generated client secrets are kept as [password.HashSecret], chosen ones as a password hash: they may be guessed.
//   - A rotated secret may stay right for an overlap, which is asked for each time and bounded. There are never more than
//     two: rotating within an overlap ends the oldest, and says so. Rejected: refusing to, which would keep whoever has just
//     lost a new secret from getting another.
//   - Lists are streams of JSON lines, one {"item":…} each, and end with {"error":…} when something breaks on the way:
//     a million owners never sit in memory, and a cut list never looks whole.
//   - A client of config.yaml is shown, and never changed, not even shadowed by a new one.
//   - A second factor that is added, replaced or removed ends no grants: it says how to log in from now on. Whoever has lost
//     an authenticator together with the tokens is served by ending the sessions.
//   - Enrolment does not look for the settings of codes in the journeys: a realm may have many, and none at the time. The
//     defaults of both sides are the same ones.
//   - The repair of the store is a list that changes something: it is audited before it begins, since lines that were sent
//     can't be taken back.
//   - In the audit log's strict mode a change whose audit line can't be written is answered as an error that says so.
//     The change is not taken back: the store may have told others already.
package admin

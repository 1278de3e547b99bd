// Package directory asks an LDAP directory (RFC 4511) whether a user name and a password are right.
//
// It leaves who may ask, how often, and what a client learns of a refusal to its callers, and replication and load
// balancing to the servers. The names it is given are canonical: what the directory's own matching rules take for one
// name (as "Zoë" and "ZOË") must be one name for whoever counts attempts, too.
//
// The one thing to know before changing it: a password reaches the network in one function, [Directory.bind], and never
// an empty one. A bind with an empty password, or with an empty name, succeeds without proving anything (RFC 4513
// section 5.1.2).
//
// # Decisions
//
//   - Search, then bind: the entry is found with the searching account's rights, and its name is what the server says it
//     is. Building a name from what was typed would need a second kind of escaping, and one place in the tree for all.
//   - A connection on which a user was bound is closed. Nothing is ever searched with a user's rights, and no pool can
//     mix them up. The price is one connection and, if it has one, one TLS handshake a check.
//   - Two entries for one name are a fault ([ErrAmbiguous]): taking the first would let who may name an entry choose whose
//     password counts.
//   - Referrals lead to addresses that the configuration does not name, with a password in hand. They are not followed.
//   - What is not an answer about this user is [ErrUnavailable], also a searching account that is refused: a fault of
//     the configuration must not count as a wrong password of everybody who tries.
//   - Errors say what was tried, the name of the server's result code, and what to check, which depends on these two alone.
//     The server's own words may hold names of users.
//   - A bind that may have reached a server is not sent to another: the directory counts wrong passwords as well.
//   - Each server that can be asked next has its share of the time, so that one which hangs does not use it up; the bind
//     itself has all that is left. A server that failed is asked last for some seconds.
//   - At most Options.Connections checks run at once. Each holds one connection that searches, which is kept, and then
//     one that binds. Waiting for the time of a refusal to go by holds none.
//   - Refusals take the time of a wrong password (pace.go). The directory may compare no password for a name that is
//     unknown or locked, which is quicker; how much so is not ours to know, so a time that was seen is waited for.
//     Until there is one, a bind with a random name makes the same round trips. Known residue: a directory that hashes
//     slowly can be told apart until its first wrong password.
//   - No option switches the verification of certificates off, and a connection without TLS is for this machine only.
package directory

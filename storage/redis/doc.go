// Package redis keeps everything that the authorization server must remember in Redis (or Valkey) 7.0 or later: one
// server, a Sentinel group or a Cluster, shared by any number of processes. It fulfils [storage.Store].
//
// It leaves replication, sharding and failover to Redis, the bytes of a record to storage, and the arithmetic of
// lockouts to pkg/guard, of which lua/lib.lua is the second copy.
//
// The one thing to know before changing it: every command may be delivered twice. go-redis repeats what it has no answer
// for (a lost connection, LOADING, READONLY), in a Cluster whatever MaxRetries says. So each script leaves the same state
// and gives the same answer when it runs again with the same nonce: see "Delivered twice" below.
//
// Decisions:
//
//   - One method is one script in one slot. Every key begins with prefix:{tag}, and what a script touches together has
//     one tag: an owner's record, reservations, index and grants have the owner's bucket. keys.go makes every key and
//     says how long it lives. Scripts make the keys of grants they find in an index by the same rules (lib.lua).
//   - Values are the bytes of storage. Scripts change what stands first in a record with the struct library and copy the rest
//     as it is, so that a field added behind needs no change here. For grants lua/record.lua alone knows where things stand.
//     It checks the seal of what it reads and makes that of what it writes, and leaves an old record in its version.
//   - One clock: TIME of the server that runs the script. It is never compared with a process's own.
//   - Epochs have no life and are cached for so long that, with the time a call may take, a second is never exceeded.
//     An epoch that was lost in a failover reads lower than a grant's own: the grant lives.
//   - Reservations outlive their hold, so that one which nobody settled is still found, and counted as a failure, by the
//     next attempt. A Begin whose answer never came is given back in the background: no password was evaluated.
//   - An owner's known sources have a key of their own beside the record. A reservation says whose account judged it; when
//     that source has been forgotten since, it is charged to the general account. Who fails costs Redis the same commands,
//     whether a place is known or not.
//   - A limit of an owner's grants is met by the script that makes the grant. It reads grants only when the index names as
//     many as there may be, since it alone can't tell those whose client or realm was ended. Epochs of clients are in another
//     slot: the process brings along those that it remembers, and the script asks for those that are missing before it changes
//     anything. Rejected: counting such grants as alive, which would refuse or end logins for dead ones; and an index by the
//     time of login, which would cost memory for each grant.
//   - Names that belong to nobody share sixteen accounts a bucket and realm. An attacker's choice of names makes no more
//     keys than that, and none of them lives much longer than the policy's window.
//   - Rate limits of one party have one tag and are one script; those of several parties are one pipeline, and what was
//     taken in vain is given back. A refusal is remembered until its end: a flood costs no round trips, and an address is
//     refused before anything was asked. No other process's refusals are known, so that each may let one more request
//     through; it is counted, so that the rate holds.
//   - The pointer from an id to a name is in another slot than the owner. It is written first and never trusted: a
//     lookup compares the id in the record, and a pointer whose owner does not exist is taken over once it is old.
//   - A cluster's map of slots is never much older than a second, since a master that hangs refuses nothing. A pipeline with
//     WAIT goes to one master, so that MOVED, ASK and TRYAGAIN are followed here (script.go).
//   - Nothing is read from replicas. A single server, or a Sentinel's master, that says it is a replica is refused when
//     connecting, and each script begins with a write of nothing, which a server that became one refuses. Rejected: the
//     shebang that declares a script to write; it would also stop introspection when memory is full or replicas are missing.
//   - A Redis that evicts keys could forget a lock, a revocation or an epoch. Seen when connecting or by Ready, it stops
//     Begin, Finish and Refresh until the policy is changed, unless Options.AllowEviction.
//   - What is known of faults and their remedies is in one place (diagnose.go), and said by Ready, which tries all commands
//     of scripts: a right that is missing is named before a login needs it.
//   - Examine reads like an administrator's list, and asks a script wherever a look at two keys might see one of them before
//     and one after a change. It removes only what a script, at that instant, finds to lead nowhere.
//   - [Commands] are all it sends; an ACL needs no more, on keys that begin with the prefix and a colon.
//   - All faults of the server are [storage.ErrUnavailable], decided in one function (errors.go). Only a value that was
//     read and is not what was written there is [storage.ErrDamaged].
//
// Delivered twice:
//
//   - Begin finds its nonce among the reservations and answers as it did.
//   - Finish finds that its reservation is gone: nothing changes, and with a grant, the grant's own key says that the
//     first delivery made it. That a one-time code was used, that a grant had no room, and what was ended for room leave a
//     mark, as other writes do.
//   - Refresh finds its nonce in the grant, or in the mark it left when it ended the grant for reuse.
//   - A rate limit keeps the nonce of its last charge. When another one came in between, a place is taken twice: limits are
//     no accounts, and places come back.
//   - An increment of an epoch may happen twice: only "higher than before" has a meaning.
//   - All other writes leave a mark under their nonce, with the answer, for ten seconds.
package redis

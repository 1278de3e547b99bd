// Package guard protects resource owners from guessing and the machine from floods: the policy of lockouts, taking turns
// for the attempts that it leaves, rate limits, and alarms about who guesses at many.
//
// It leaves keeping the counters to storage, evaluating passwords to pkg/password, and answers to the floors above.
//
// The one thing to know before changing it: the arithmetic in lockout.go ([Judge], [Fail], [Succeed] and what goes with
// them) and in rate.go is also written in Lua, in storage/redis; storage/storagetest holds the two together.
//
// Decisions:
//
//   - Reserve, then verify. An attempt is charged before its password is evaluated, so no parallelism and no number of
//     processes lets more than the threshold of wrong passwords be evaluated per lock.
//   - Failures in flight count as failures, but only make others wait: many right logins at once all succeed.
//   - An owner is not locked out by an attacker: a place from which the owner has logged in has an account of its own. A
//     success there does not clear the failures of others, or an attacker would have new guesses with each.
//   - A right password charges nobody. When its success can't be kept, because of a fault or because the caller has hung
//     up, the attempt is given back; only what can't be given back either counts, when its hold is over.
//   - The pool refuses on arrival only. Who had a place and waits for a turn waits on while the pool is full.
//   - A right one-time code that was used by another attempt charges like a wrong password: it proves nothing.
//   - Two counts. One is forgotten after a quiet window and locks for a while; the consecutive one is only cleared by a
//     success or an administrator, and stops the account (NIST SP 800-63B section 5.2.2).
//
// Of rate limits:
//
//   - The account of attempts is exact and belongs to the owner; rate limits bound what everybody else can do, and are
//     plain. Layers: the address, before the client is authenticated; the client, and the user name through the client,
//     before the journey. Names that belong to nobody have the same limits.
//   - Who is over a limit is refused before anything dear, and nothing else is charged. A limit that can't be asked is a
//     fault, never a yes.
//   - An address is charged for failures only, so that honest users behind one address don't notice each other: failed
//     client authentication at every endpoint, and failed logins.
//   - A client, and a user name through it, is charged in authenticated requests only, so that nobody can exhaust
//     another's. A public client proves nothing: whoever uses it is bounded by an address, and by the hashing pool.
//   - A failed login is charged to the address only where that is the end user's: of a public client, which runs there, or
//     as reported by a client that is trusted with it (trust_end_user_ip). Any other confidential client is a back end that
//     asks for many users, whose own address must not throttle them all; also behind a proxy, which sees that back end.
//   - Every denied login is charged alike, whatever the reason, or the limit would tell names apart.
//   - What has failed is counted afterwards. Requests in parallel can exceed the limit by as many as are under way, but
//     the excess is a debt: it is waited for, up to 63 times the limit.
//   - Before client authentication no store is asked: see [storage.Limits.Known]. A refusal that another process has seen
//     is met one failure later; that one is counted too, so that all processes together keep the rate.
//
// Of alarms:
//
//   - What stays below every account of attempts is told, not refused: many owners tried from one address, and a client most
//     of whose grants are denied. Neither proves an attack, and a refusal would let one party close another's door.
//   - Each process counts for itself, in memory. Rejected: counts in the store, which would cost every login a step.
//   - A window begins with a party's first event and ends at once. Guesses spread over two windows may stay below the limit in
//     both; sliding windows would need a time for every name.
//   - Names are kept as digests, and counted exactly, up to a bound. Rejected: linear counting, which is smaller, but inexact
//     where the limit is low.
//   - Who was quiet for the longest is forgotten first: whoever goes on guessing can't hide behind addresses that come once.
package guard

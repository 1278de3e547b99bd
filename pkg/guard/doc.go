// Package guard protects resource owners from guessing and the machine from floods: the policy of lockouts, and taking
// turns for the attempts that it leaves.
//
// It leaves keeping the counters to storage, evaluating passwords to pkg/password, and answers to the floors above.
//
// The one thing to know before changing it: the arithmetic in lockout.go ([Judge], [Fail], [Succeed] and what goes with
// them) is also written in Lua, in storage/redis; storage/storagetest holds the two together.
//
// Decisions:
//
//   - Reserve, then verify. An attempt is charged before its password is evaluated, so no parallelism and no number of
//     processes lets more than the threshold of wrong passwords be evaluated per lock.
//   - Failures in flight count as failures, but only make others wait: many right logins at once all succeed.
//   - A right password charges nobody. When its success can't be kept, because of a fault or because the caller has hung
//     up, the attempt is given back; only what can't be given back either counts, when its hold is over.
//   - The pool refuses on arrival only. Who had a place and waits for a turn waits on while the pool is full.
//   - A right one-time code that was used by another attempt charges like a wrong password: it proves nothing.
//   - Two counts. One is forgotten after a quiet window and locks for a while; the consecutive one is only cleared by a
//     success or an administrator, and stops the account (NIST SP 800-63B section 5.2.2).
package guard

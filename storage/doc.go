// Package storage is the contract between the authorization server and whatever keeps its data: resource owners, their
// login attempts, dynamic clients, grants, and rate limits. storage/bolt and storage/redis fulfil it; storage/storagetest proves that
// they do, and that a store of your own does.
//
// It leaves tokens to pkg/token (a store sees digests only), the arithmetic of lockouts to pkg/guard, and every answer to
// a client to the floors above.
//
// The one thing to know before changing it: each method is one atomic step. Nothing above a store takes a lock, reads
// and then writes, or repairs. What must hold at once is decided inside one method.
//
// Decisions:
//
//   - One record per grant. A grant is one login of one resource owner through one client. Its tokens are computed from
//     the record and a secret that only the tokens carry, and are never stored.
//   - Both stores keep the same bytes (see [Grant.Encode] and [EncodeUser]): the fields that a step changes come first, so
//     that a script can change them without understanding the rest.
//   - A grant's record is short, since memory is what Redis has least of: what is zero or follows from other fields is left
//     out, a UUID takes 16 bytes and an address 4, and the key is in the checksum instead of the record. A longer one shows
//     in a test of storage/redis.
//   - The record has a version, and a release reads the one before too. New grants are written in the new version. A grant
//     of the version before stays what it is in Redis, so that processes of both releases serve it side by side; bolt has one
//     process, and turns it into the new version with its next change. A release that meets a version it does not know says
//     [ErrDamaged] and leaves the grant as it is. So the processes of one Redis should change soon one after the other,
//     and whoever goes back to the release before leaves behind what was granted since. No switch says which version to
//     write: it would have to be turned twice for each format, to save some minutes of errors.
//   - A revoked token is remembered as long as its grant, expired or not: a clock may be ahead and be set back.
//   - What a login changes it settles in [Logins.Finish]: a new hash, a count, a code that is used up, an account that is
//     disabled. So no code is good twice, and nothing is half done when a process dies.
//   - How many grants an owner may have is decided in Logins.Finish too. A login that has no room is still a success of the
//     attempt: the password was right, and who forgot a session must not be locked out for it.
//   - Errors say whose fault it is: [ErrUnavailable] is the store's and becomes a 503, [ErrDamaged] becomes a 500, and
//     all others are answers.
//   - Rate limits are kept apart from the account of attempts. That one is exact, settled and lasting; these are one time
//     for each party, good for minutes, and may be forgotten. See [Limits].
//   - Ending the grants of a client or a realm is one increment of an epoch (nothing is scanned); ending those of an
//     owner deletes them in the step that disables, deletes or re-passwords the owner.
package storage

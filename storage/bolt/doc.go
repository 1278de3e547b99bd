// Package bolt keeps everything in one durable file, for one process (go.etcd.io/bbolt).
//
// It leaves deployments of more than one process to storage/redis, and the arithmetic of lockouts to pkg/guard.
//
// The one thing to know before changing it: every change runs in the one writer (batch.go), beside others in the same
// transaction. A change decides first and changes afterwards; once it has changed something it must not answer "no".
// What it did in memory it takes back with [tx.onUndo] when the commit fails.
//
// Decisions:
//
//   - Acknowledged means on disk. The writer takes all changes that wait and commits them with one fsync; the next ones
//     gather while it runs. There is no artificial delay (bbolt's own batching waits for 10 ms): a lone change is
//     committed at once.
//   - After a commit that failed the store goes on by itself: bbolt takes the transaction back, and before the next one
//     its meta pages are written and synced again (repair.go). It need not be opened anew.
//   - Failures and locks are on disk, reservations in memory. A crash forgets attempts whose outcome nobody was told.
//     An attempt on an owner without trouble writes nothing until it is settled.
//   - Settling costs one commit, whether the owner exists, was locked, or failed: otherwise the time of an fsync would
//     tell names apart. Names that belong to nobody are counted in a ring of 65,536 slots on disk, under a hash whose
//     key lives as long as the process: what people type into the wrong field must not stay.
//   - An owner's known sources stand beside the record, not in it: who only asks for the owner does not read them. Begin
//     and Finish read them for everybody, and a failure writes the one account that judged it: owners' general accounts,
//     their sources and strangers are three trees, and a commit has a page for each level of the one that it changes, and
//     another one where a page overflows.
//   - A grant stands in three buckets: its record, the index of its owner, and the order of expiry from which the sweeper
//     takes what has ended. Dead epochs are swept by a walk over all grants, only after an epoch moved.
//   - Keys are made of length-prefixed parts (keys.go), so no name can pass for another.
//   - A limit of an owner's grants is met in the change that makes the grant. The owner's index tells which have expired;
//     records are read only when it names as many as there may be.
//   - The list of free pages is not written (NoFreelistSync): after a million grants have expired it would be most of
//     each commit. Opening reads the file instead.
//   - Deleting an owner drops the attempts under way: a login with the deleted owner's password must not become a grant
//     of whoever has the name next.
//   - Rate limits are in memory only: they are good for minutes, and there is one process. Each layer remembers 65,536
//     parties, as times under keyed hashes; beyond them the one that was charged longest ago is forgotten.
//   - Before bbolt opens a file to write, and before its check, all pages are looked at as they are on disk (pages.go):
//     where one is damaged, bbolt ends the process on a goroutine of its own, which nobody can recover. The file is read
//     twice at the start, which takes about a millisecond more for each MiB.
//   - Pages are checked under the writer's lock: bbolt's check takes pages that are freed meanwhile for damage. A large file
//     is checked only while no server uses it.
//   - A file that others may read is corrected, not refused: volumes of orchestrators come back with group bits.
package bolt

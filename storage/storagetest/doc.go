// Package storagetest proves that a store fulfils the contract of package storage: [Run] from a test, or [Cases] from
// anywhere else.
//
// It leaves what only one kind of store has (files, scripts, failovers) to that store's own tests.
//
// The one thing to know before changing it: a case sees the contract only. It works in a realm of its own, beside other
// cases on the same store, and knows the store's clock from [storage.Reservation] alone.
//
// Decisions:
//
//   - Each case carries the rule that it proves, and prints it when it fails, so that a red line explains itself.
//   - Cases are functions that return an error, not subtests: the suite itself is tested by running it on stores that
//     are broken on purpose, see [Broken].
//   - No case depends on being fast: what must still hold is given an hour, what must come to an end is waited for.
package storagetest

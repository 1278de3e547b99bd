// Package histories lets many callers use one store at once, at random and with lost replies, writes down what each asked
// and was told and when, and proves afterwards that the contract of package storage explains it.
//
// It leaves single rules to storagetest, and how a reply is lost on the way to a real server to that store's tests: see
// [FaultOf].
//
// The one thing to know before changing it: model.go is the contract of one owner as a sequential program. A call that is
// added to a history needs a step there, and a step says which answers are right and what they change, nothing else.
//
// Decisions:
//
//   - Linearizability is checked by porcupine, owner by owner: nothing is shared between them, and short histories are
//     decided quickly. A call without an answer may have happened at any time after it began, or not at all, which is the
//     same as after all others.
//   - What was delivered twice is two calls: the contract names what the second one does.
//   - Locks and graces last for hours or are judged by the times in an answer, so that the model needs no clock. Where time
//     is the point (the end of a client or realm, locks that end) the history is checked directly: see ends.go, guesses.go.
//   - A report is cut short only where this can't make a right history wrong: the calls after the first that nothing
//     explains, and those that changed nothing.
//   - A seed repeats what each caller chooses. How calls meet is the scheduler's.
package histories

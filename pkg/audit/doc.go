// Package audit writes down who was let in and who was not: one JSON line per decision, and one per
// alarm.
//
// It leaves to its callers what happened; it decides how an event is written, and that a value from outside never makes
// a second line or hides in one. Events never carry a secret: there is no field for one.
//
// The one thing to know before changing it: the field names and reasons are a contract with those who search these
// lines.
//
// Decisions:
//
//   - encoding/json escapes control characters and invalid UTF-8; bidirectional and other invisible formatting
//     characters are escaped here, so that a line reads as what it is.
//   - A sink that blocks costs the first requests half a second and the next ones nothing, until it takes events again:
//     what is lost is counted, or refused in strict mode. Rejected: a queue, which makes lines that were promised vanish
//     with the process.
//   - A pseudonym is keyed, since names can be guessed, and holds for one realm.
//   - A sink that fails is the caller's to judge: in strict mode what can't be written down is not done.
package audit

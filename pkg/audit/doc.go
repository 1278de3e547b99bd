// Package audit writes down who was let in and who was not: one JSON line per decision.
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
//   - A sink that fails is the caller's to judge: in strict mode what can't be written down is not done.
package audit

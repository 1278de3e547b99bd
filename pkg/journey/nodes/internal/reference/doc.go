// Command reference writes the reference of the built-in node types into README.md, from their doc comments and from
// their table: `go generate ./pkg/journey/nodes`.
//
// It leaves what is said to the comments of the settings structs, their fields and their Outcomes, which begin with the
// name that they are about, and the order of the types to its table of groups.
//
// The one thing to know before changing it: what is written must be true. Types, defaults and outcomes come from the
// settings that the table makes, and a comment that contradicts them, or is missing, is an error and not a gap.
//
// # Decisions
//
//   - The table of a group has the first sentence of each type, the rest is folded: a reader looks for a node first, and
//     for its settings later.
//   - A type that no group names is an error, so that a new node is placed by whoever adds it. A group may name types that
//     are not there yet.
//   - A setting whose field has the tag reference:"required" is shown as required. A test of the package nodes holds the
//     tags against what Open refuses.
//   - Standard library only: go/doc knows comments, reflect knows settings.
package main

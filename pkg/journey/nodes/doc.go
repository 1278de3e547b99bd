// Package nodes is the built-in node types of journeys, one file each, and the [Table] that lists them. The name in the
// table is the `type` of a node in a journey; the settings struct's fields are its `settings`.
//
// It leaves running them, their wires and their rights to pkg/journey, and whatever a refusal means to its caller.
//
// The one thing to know before changing it: a node's Run serves many runs at once and sees the password of strangers. It
// keeps nothing, and puts nothing of the State into an error or a log.
//
// # Adding a node
//
// One file with the settings struct, one line in [Table], one line in the tests of the table, and its name in a group of
// internal/reference. The comments of the struct, of its fields and of its Outcomes are the node's reference for operators:
// `go generate ./pkg/journey/nodes` writes them into README.md.
//
// # Decisions
//
//   - Names are AM's without the suffix "Node", outcomes AM's in snake case.
//   - Collectors do not read what they collect: they only put it into the run. That makes PasswordCollector harmless.
//   - A collector that finds nothing goes on, as in AM; the decision after it says no.
//   - What is not known (no owner, no client, no address, no scope) is a "no", never an outcome of its own.
//   - A node that looks at the owner only steers: that it says yes verifies nobody. Work that is done on one way only
//     takes time on one way only, so such a node stands best behind the comparison of the password.
//   - An expression is CEL: it has types and no loops but over lists, tells what it costs at most, and is what people know
//     from other policies. It is checked against lists of what it may have: what the language adds with a new version is
//     refused until it is on one. What a call costs we say ourselves, since CEL's prices leave out what some take.
//   - The functions on texts are written here and not taken from CEL's extension, which brings formatting along.
//   - The list of common passwords is our own, in a file: the lists that libraries carry add megabytes.
//   - Of a one-time code the second is kept at which its step begins, not the step's number: numbers can't be compared once
//     the period changes, and a longer one would refuse every code for decades.
//   - A web service is asked through a transport alone: it follows no redirect, keeps no cookie and takes no proxy from the
//     environment, so a password goes where the configuration says. Neither is a question repeated.
//   - Requests to a web service are always signed. One that does not look at signatures loses nothing; one that was reached
//     without them would tell anybody which passwords are right.
//   - A web service's URL has no query: it names the source, in errors and in owners' records, so it must be whole and can't
//     be secret.
//   - Only listed statuses are answers, and no error page is a yes. What a service says beside its status is repeated in no
//     error: it may echo what it was sent.
//   - AM's interactive types are known by name ([Table] has them), so that a typing mistake and a node that can't work
//     here get different messages.
package nodes

//go:generate go run ./internal/reference

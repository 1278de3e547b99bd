// Package journey runs authentication journeys: headless trees of nodes that decide whether a resource owner may log in,
// in the manner of ForgeRock / Ping Access Management. It builds and checks the journeys of a realm ([Build]), chooses
// one for a request ([Set.Choose]) and runs it ([Journey.Run]).
//
// It leaves the node types to pkg/journey/nodes (and to whoever passes a bigger table), reading YAML to pkg/config,
// comparing passwords and counting attempts to the caller ([Input]), and what a client learns of a refusal to the HTTP
// front. It imports the standard library and pkg/realm only.
//
// The one thing to know before changing it: a node sees only what its settings declare. [State] holds the password and
// the parameters, and each getter asks the rights of the node that is running. A new getter has to ask them too.
//
// # Decisions
//
//   - A refusal is a value, an error is a fault. No node can turn "the directory is down" into "wrong password", nor the
//     other way round: an outcome is a "no" or a "yes" that somebody said.
//   - A credential is evaluated once per run and source ([State.Verify], [State.VerifyWith], [State.VerifyCode]), however
//     many nodes ask: a journey must not multiply the guesses that the lockout counts.
//   - A refusal that came before the password was compared still costs a comparison ([Journey.Run]), so that its time
//     does not tell a disabled or unknown owner from a wrong password. It is done here, since only the run knows that
//     nobody asked.
//   - A locked attempt runs the usual way with every answer no ([Input.Locked]), and no directory is asked: the
//     refusal holds for each source, whatever the journey looks like.
//   - Only a node that may compare the password may know that the attempt is locked ([State.Locked]): a way that is
//     chosen by the lock has paid for the comparison, or Run pays for it at the end.
//   - Nodes change nothing themselves. What a run leaves behind is gathered in its [Result], and the caller settles it in
//     the one step that settles the attempt: so it holds at once, and costs the same for everybody.
//   - Whether a token may follow is decided in one place ([Journey.Decide]), for requests and for tests of a journey.
//   - What can be decided at start is: loops, dead ends, missing wires, interaction, and ways to success on which no
//     credential is verified. The step bound ([MaxSteps]) remains
//     for nodes that bound their loop badly.
//   - Interactive node types of AM load, so that a whole realm can be brought over; the journey that has one is refused
//     when it is chosen, not when it is read.
//   - A disabled inner journey makes its outer one a problem: switching a step off must not switch it to yes or no
//     unseen.
//   - The settings struct is the factory and its optional interfaces are its declarations. No registration, no init.
//   - Edges are slices and a run is one State: a journey costs about a microsecond, next to milliseconds of hashing.
package journey

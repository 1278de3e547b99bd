// Package server is the protocol over HTTP: one file per endpoint, one strict reader of forms, one writer of errors.
//
// It leaves the grants to pkg/ropc, client authentication to pkg/provider, and configuration and listening to
// pkg/ropcd.
//
// The one thing to know before changing it: the order of checks is a contract. Nothing dear (a hash, a store call)
// happens before everything cheap has passed; see [Server.oauth2] and [Server.token].
//
// Decisions:
//
//   - The form is read here and not by net/http or fosite, which accept repeated parameters, multipart bodies and secrets
//     in the query. What is not a parameter of the endpoint is dropped.
//   - The router matches the path as it was sent (no cleaning, no decoding), so that one realm has no second spelling in
//     %-escapes and no redirect ever drops a body.
//   - A request keeps the snapshot of the realms that it started with.
//   - Texts are fixed. Nothing of a request is ever echoed, except that standard method names are named.
package server

// Package provider assembles fosite once for all realms, and authenticates clients. It is the only adapter between
// fosite and a store.
//
// It leaves HTTP to pkg/server, the grants to pkg/ropc, and keeping anything to storage.
//
// The one thing to know before changing it: a request's realm is in its context (ropc.Site). Nothing here is looked up,
// compared or cached without the realm's key.
//
// Decisions:
//
//   - Client authentication is ours. fosite answers a store fault with 401, takes two methods at once, and lets a public
//     client send any secret. Ours is one function for every endpoint: see [Provider.AuthenticateClient].
//   - An address that has failed too often is refused before its client is looked up, by what this process knows; see
//     guard.Limiter. Two methods at once count as no failure: no secret was looked at.
//   - The realms are one immutable snapshot; a request keeps the one that it started with. A reload swaps it.
//   - Dynamic clients are cached for one second, never longer; what is not there is not cached.
//   - Generated client secrets cost microseconds. Chosen ones cost a password hash, so a bounded number of verified ones
//     is remembered, under a key that dies with the process.
//   - While the secret before the present one is right as well, both are compared, whichever is sent. A wrong one then
//     costs up to two password hashes instead of one, in the share of the pool that all clients' secrets have together.
package provider

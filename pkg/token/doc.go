// Package token is what access and refresh tokens look like: it makes them, reads them, and checks their MAC, without
// asking anybody.
//
// It leaves whether a token is still alive to the grant's record in storage, and which realm's keys to use to its caller.
//
// The one thing to know before changing it: a token that [Keys.Read] accepts was made by a holder of a system secret,
// for that realm and that kind, bit by bit. Nothing above checks this again.
//
// Decisions:
//
//   - A token is "at_" or "rt_" and base64url of its fields and one MAC over all of them. Reading is strict: one token
//     has one spelling, and a token with any character changed is none.
//   - The MAC key is HKDF (RFC 5869) of the whole system secret, with a label that names the kind and the realm, so a
//     token of another realm or kind fails like junk, in a microsecond and before any store is asked.
//   - A token also carries 16 secret bytes of its grant, of which the store keeps a digest. So neither the system secret
//     alone nor a copy of the store alone makes a token. The access tokens' secret is derived from the refresh tokens'
//     by a one-way function; both are constant over the grant, so that the next refresh token is computed from the
//     current one, and a replay within the grace gives the same string.
//   - Secrets rotate by list: the first signs, all verify; a token names its key by four bytes of a hash of the secret.
package token

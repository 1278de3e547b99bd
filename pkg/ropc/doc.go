// Package ropc is the Resource Owner Password Credentials grant (RFC 6749 section 4.3) and its refresh tokens (section
// 6) as token endpoint handlers for github.com/ory/fosite v0.49.
//
// # In a fosite server of your own
//
// [Handler] replaces fosite's own password handler: never add it beside that one, since fosite runs every handler that
// can. It needs an [Authenticator], which says who the resource owner is, and an [Issuer], which makes the tokens. No
// store, journey or server of this project is needed: see the example.
//
// # In this server
//
// [Login] is the Authenticator that runs a realm's journey behind the guard, [GrantIssuer] the Issuer on the grant
// store, [RefreshHandler] the grant of RFC 6749 section 6, and [Tokens] tells whether a token is active. Whatever a
// request's realm decides comes with its context, as a [Site].
//
// It leaves HTTP, the texts around a request and client authentication to its host.
//
// The one thing to know before changing it: every denial after the choice of the journey is the same [ErrInvalidGrant],
// byte for byte, after the same work. The reason is for the audit log alone, and goes into the [Trace].
//
// Decisions:
//
//   - The user name, the password and what journeys declare are taken out of the request's forms before anything else
//     happens, on every path, so that no store, log or later handler can find them.
//   - A "no" is a value: [Result.Denied]. An error of an Authenticator or Issuer is a fault and becomes 503 or 500,
//     unless it is a *fosite.RFC6749Error, which is answered as it is.
//   - Errors carry fixed texts; nothing of a request is echoed.
//   - What the store refuses when the attempt is settled (the owner changed, the code used, too many sessions) is answered
//     and charged by the Issuer, through [Result.Refused], as the Authenticator does it.
//   - The attempt is settled, and the grant created, in one step of the store: by the Issuer, through [Result.Turn].
package ropc

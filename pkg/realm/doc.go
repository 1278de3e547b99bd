// Package realm is the vocabulary of the authorization server: realms, OAuth2 provider settings, clients and resource
// owners, with the rules that hold for each of them on its own.
//
// It leaves reading YAML to pkg/config, journeys to pkg/journey, and keeping anything to storage. It imports the
// standard library and the PRECIS profiles of x/text only, so that everything else may import it.
//
// The one thing to know before changing it: a realm is named by its [Path], and two spellings of one realm must never
// become two keys. Everything that stores, compares or derives by realm goes through [Path.Key].
package realm

// Package config reads config.yaml: it expands, decodes and validates the file, and reports every problem with its line
// and column. It also watches the file, tells what a reload can't change, and prints what is in effect.
//
// It leaves the rules of journeys to pkg/journey, the mechanics of strict YAML to pkg/config/strict, and acting on a
// configuration to pkg/ropcd, which alone imports it: who uses the handlers as a library never meets YAML.
//
// The one thing to know before changing it: the types with yaml tags are the schema. A new key is a field with a tag, a
// line in Default and a line in the config.yaml at the top of the repository; tests hold the three together.
//
// Decisions:
//
//   - Decode everything, then check everything against the values and report by path. What could not be decoded is not
//     judged a second time, so one mistake makes one message.
//   - Values from the environment, and those at keys such as secret_hash, are in no message and no excerpt.
//   - The keys of a client that is in the file have the defaults of the reference, but for id, secret and scopes: what
//     gives power is written down.
//   - The root realm always exists as a parent. It answers requests only when it is declared; declared and inactive, it
//     closes all others.
//   - A key with nothing behind it ("oauth2_provider:") is there, with the defaults of everything in it.
//   - Secrets of clients are hashed when the file is read and not kept. Files of passwords for Redis are checked here and
//     read, with [ReadSecret], by whoever connects.
//   - A missing system secret is a problem with Redis only: with bolt the program makes it, with a new store.
//   - Plain HTTP beyond loopback is refused without a proxy, because the grant carries passwords. Whether base_url is
//     https decides nothing, it only warns: it says what clients see, not what the process does.
//   - Tests of journeys run whenever the file is read, so that a reload can't put a journey in use that decides otherwise
//     than its operator said. A test goes through the code of a real login, from the scope on, and asks nothing outside.
//     It runs only in a realm without errors, since what it says of a broken one is noise.
//   - A test is left out with a warning, not refused, while its client or the realm's password grant is switched off: that
//     is done in an emergency, and a reload must not refuse it. After one that runs out of time none runs, since a start
//     and a reload wait for them.
//   - The watcher compares contents, so that touching a file or writing the same again is no change.
package config

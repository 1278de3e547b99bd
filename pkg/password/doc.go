// Package password keeps, checks and renews password hashes, and bounds how
// much of the machine hashing may use.
//
// A [Set] verifies any hash it knows and makes new ones with one preferred
// [Hasher]; a [Pool] decides who may hash, when, and how many at once. Who may
// try at all (lockout, rate limits) is left to pkg/guard, and storing the new hash
// to whoever called [Set.Verify]. Secrets that nobody chose need neither: see
// [HashSecret].
//
// The one thing to know before changing it: for a given stored hash and a given
// typed password, the work done must not depend on whether the password is
// right. Every early return in set.go and bcrypt.go is a promise about that.
//
// # Decisions
//
// Own codecs, borrowed functions. github.com/go-crypt/crypt v0.14.15 was tried
// and not used: its decoders accept m=4294967295, ln=58, a negative PBKDF2
// count and bcrypt cost 31 without a bound; they fill in missing argon2
// parameters, let the last of two equal ones win, ignore line breaks and
// trailing bits in base64, and read $2x$ as $2b$. The digest hides its
// parameters, so bounding them means parsing them anyway; what would remain of
// the library is base64. Key derivation comes from golang.org/x/crypto and
// crypto/pbkdf2, kept by the Go team.
//
// One spelling. Of all strings that could mean the same hash only the one that
// the usual tools write is accepted: parameters in order, no leading zeros, no
// unused base64 bits, no padding, no line breaks. Everything else is [ErrHash].
// The only freedom is bcrypt's $2a$, $2b$ and $2y$, which mean the same here.
// The keys of PBKDF2 (the digest's size) and scrypt (32 or 64 bytes) have fixed
// lengths, because a shorter key of these is a prefix of the longer one: a hash cut off
// by a narrow column would go on verifying.
//
//	argon2id  $argon2id$v=19$m=19456,t=2,p=1$salt$key          base64
//	bcrypt    $2b$12$ + 22 characters of salt + 31 of key      bcrypt's base64
//	scrypt    $scrypt$ln=17,r=8,p=1$salt$key                   base64
//	pbkdf2    $pbkdf2-sha256$600000$salt$key                   base64 with . for +
//	          $pbkdf2-sha512$… and $pbkdf2$… (SHA-1, verified only)
//
// Bounds, checked before anything is computed or allocated: argon2 memory 256
// MiB, 16 iterations, 16 lanes; bcrypt cost 16; scrypt 128·N·r = 128 MiB,
// p = 16; PBKDF2 10 million iterations; salt 8 to 64 bytes, argon2 key 16 to 64. A
// weak hash is no error: it is verified and then renewed. So the memory that
// hashing holds is at most workers × 256 MiB if such hashes are imported, and
// workers × the preferred cost otherwise, plus what the collector has not freed
// yet.
//
// Own hashes carry the prefix {o}. Behind it stands the hash of the password's
// PRECIS OpaqueString form (RFC 8265 section 4.2), so that one password typed on
// two keyboards is one password. Without the prefix the hash was imported and
// the exact bytes count. Trying one and then the other would cost twice and
// show which; the prefix decides before any work. No crypt format begins with a
// brace.
//
// What can't be a password (empty, longer than [MaxPassword], NUL, not UTF-8,
// refused by OpaqueString, for bcrypt longer than 72 bytes) is a wrong
// password, told after the work of a wrong password against the same hash.
// x/crypto's bcrypt would ignore byte 73 and take "ab\0ab" for "ab".
//
// A hash that is not current is renewed while the password is at hand. That
// costs one more hash, and it is paid for wrong passwords too: otherwise the time
// would tell a right password of a disabled account. An imported hash that has
// the current parameters costs nothing more: it is adopted as it is, or stays
// imported where OpaqueString would change the password. Known residue: an
// account whose hash is not current takes that hash's time plus the preferred
// one, whereas [Set.Decoy] takes the preferred one, so until its owner logs in
// it can be told from an unknown name. Only migration ends this.
//
// Admission to the pool is one formula, and it is also the fairness: see
// [Pool.Admit]. Work runs on the caller's goroutine, so a panic is the caller's
// and there are no goroutines to leak. Rejected: a fixed share per client,
// which leaves the queue half empty when one back end is the only client.
package password

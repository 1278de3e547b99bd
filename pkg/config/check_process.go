package config

import (
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
)

// The bounds of the costs, which pkg/password holds its hashes to as well.
const (
	maxArgon2idMemory = 256 * MiB
	maxArgon2idPasses = 16
	maxArgon2idLanes  = 16
	minBcryptCost     = 4
	maxBcryptCost     = 16
)

func (l *loader) passwordHashing(p *PasswordHashing) {
	at := strict.Path{"password_hashing"}
	l.oneOf(at.With("algorithm"), p.Algorithm, "argon2id", "bcrypt")
	between(l, at.With("argon2id", "iterations"), p.Argon2id.Iterations, 1, maxArgon2idPasses)
	between(l, at.With("argon2id", "parallelism"), p.Argon2id.Parallelism, 1, maxArgon2idLanes)
	memory := at.With("argon2id", "memory")
	least := 8 * KiB * Size(max(1, p.Argon2id.Parallelism))
	switch m := p.Argon2id.Memory; {
	case m < least || m > maxArgon2idMemory:
		l.Bad(memory, "is not possible; it must be from %v (8KiB for each of parallelism) to %v", least, maxArgon2idMemory)
	case p.Algorithm == "argon2id" && m < 7*MiB:
		l.Warn(memory, "is weak; OWASP asks for 19MiB with 2 iterations, and never less than 7MiB")
	}
	between(l, at.With("bcrypt", "cost"), p.Bcrypt.Cost, minBcryptCost, maxBcryptCost)
	if p.Algorithm == "bcrypt" && p.Bcrypt.Cost < 10 {
		l.Warn(at.With("bcrypt", "cost"), "is weak; OWASP asks for 10 at least")
	}
}

func (l *loader) logs(f *file) {
	l.oneOf(strict.Path{"log", "level"}, f.Log.Level, "debug", "info", "warn", "error")
	l.oneOf(strict.Path{"log", "format"}, f.Log.Format, "json", "text")
	l.oneOf(strict.Path{"audit", "mode"}, f.Audit.Mode, AuditBestEffort, AuditStrict)
	if f.Audit.PseudonymKeyFile == "" {
		return
	}
	at := strict.Path{"audit", "pseudonym_key_file"}
	if key, ok := l.secretFile(at, f.Audit.PseudonymKeyFile, false); ok && len(key) < minPseudonymKey {
		l.Report(at, "the file %s holds %d bytes; names can be guessed, so the key has at least %d: `ropcd secret generate` writes one",
			f.Audit.PseudonymKeyFile, len(key), minPseudonymKey)
	}
}

// minPseudonymKey is the shortest key of pseudonyms, in bytes.
const minPseudonymKey = 32

// lifetime checks how long a token lives: whole answers count seconds, so nothing shorter than one.
func (l *loader) lifetime(at strict.Path, d time.Duration) {
	if d != strict.Never && d < time.Second {
		l.Bad(at, "is not possible; it must be 1s or longer, or never")
	}
}

package ropc

import (
	"maps"
	"time"

	"github.com/ory/fosite"
)

// Session is the fosite.Session of this server: it carries the [Result] from the [Handler] to the Issuer.
type Session struct {
	Result  Result
	expires map[fosite.TokenType]time.Time
}

var (
	_ fosite.Session = (*Session)(nil)
	_ ResultReceiver = (*Session)(nil)
)

// SetResult implements [ResultReceiver].
func (s *Session) SetResult(r Result) { s.Result = r }

// SetExpiresAt implements fosite.Session.
func (s *Session) SetExpiresAt(key fosite.TokenType, exp time.Time) {
	if s.expires == nil {
		s.expires = map[fosite.TokenType]time.Time{}
	}
	s.expires[key] = exp
}

// GetExpiresAt implements fosite.Session.
func (s *Session) GetExpiresAt(key fosite.TokenType) time.Time { return s.expires[key] }

// GetUsername implements fosite.Session.
func (s *Session) GetUsername() string { return s.Result.Username }

// GetSubject implements fosite.Session.
func (s *Session) GetSubject() string { return s.Result.Subject }

// Clone implements fosite.Session. The clone shares nothing that changes; the attempt stays with the original.
func (s *Session) Clone() fosite.Session {
	c := *s
	c.expires = maps.Clone(s.expires)
	c.Result.Claims = maps.Clone(s.Result.Claims)
	c.Result.Turn, c.Result.Refused = nil, nil
	return &c
}

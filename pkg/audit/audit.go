package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

// Names of events.
const (
	EventGrant      = "grant"      // a password grant was decided
	EventRefresh    = "refresh"    // a refresh was decided
	EventIntrospect = "introspect" // a caller of introspection was refused
	EventRevoke     = "revoke"     // a token was revoked, or its revocation refused
	EventTokenInfo  = "tokeninfo"  // a store fault under token info
	EventAdmin      = "admin"      // an administrator changed something; Reason says what
	EventAlarm      = "alarm"      // a client or an address was noticed, see [ManyOwners] and [FailureRatio]; nobody was refused
)

// Outcomes of events.
const (
	Success = "success"
	Denied  = "denied"
	Fault   = "fault"
	Raised  = "raised" // of an alarm
)

// Reasons why something was denied or failed.
const (
	WrongPassword  = "wrong_password"
	WrongCode      = "wrong_code" // a one-time code that is wrong, or was used before
	NoCode         = "no_code"
	CodeUsed       = "code_used"
	UnknownUser    = "unknown_user"
	OtherSource    = "other_source"
	Locked         = "locked"
	Disabled       = "disabled"
	Expired        = "expired"
	Sessions       = "sessions" // right, but the user has as many sessions as there may be
	JourneyFailed  = "journey_failed"
	JourneyRefused = "journey_refused"
	Scope          = "scope"
	ClientUnknown  = "client_unknown"
	ClientSecret   = "client_secret"
	Budget         = "budget"
	Queue          = "queue"
	Store          = "store"
	Source         = "source" // an outside credential source does not answer
	Reuse          = "reuse"
	Token          = "token"   // malformed, expired, revoked or another client's
	Request        = "request" // a malformed request, or one that the client may not make
	Internal       = "internal"
)

// Reasons of alarms. Each is raised once per party and window.
const (
	ManyOwners   = "many_owners"   // logins of many distinct owners were denied at one address; Count says how many
	FailureRatio = "failure_ratio" // many of a client's password grants were denied: Count of Grants
)

// Event is one decision, or one alarm. Empty fields are left out.
type Event struct {
	Time        time.Time `json:"time"`
	Event       string    `json:"event"`
	Outcome     string    `json:"outcome"`
	Reason      string    `json:"reason,omitempty"`
	Realm       string    `json:"realm,omitempty"`
	ClientID    string    `json:"client_id,omitempty"`
	Username    string    `json:"username,omitempty"`
	Subject     string    `json:"sub,omitempty"`
	Journey     string    `json:"journey,omitempty"`
	JourneyRule string    `json:"journey_rule,omitempty"`
	Node        string    `json:"node,omitempty"`
	Address     string    `json:"address,omitempty"`
	// AddressMalformed: a trusted proxy or client said something that is no address, so that Address is the peer's.
	AddressMalformed bool     `json:"address_malformed,omitempty"`
	RequestID        string   `json:"request_id,omitempty"`
	GrantID          string   `json:"grant_id,omitempty"`
	Evicted          []string `json:"evicted,omitempty"` // the grants that were ended for want of room, oldest login first
	Trail            []Step   `json:"trail,omitempty"`   // of the journey, see [MaxTrail]
	// RunOutcome and RunReason tell how a journey ended that an administrator ran. Outcome says whether it could be run.
	RunOutcome string `json:"run_outcome,omitempty"`
	RunReason  string `json:"run_reason,omitempty"`
	Count      int    `json:"count,omitempty"`  // of an alarm, see its reason
	Grants     int    `json:"grants,omitempty"` // of an alarm about a client
}

// Step is a node that a journey went through.
type Step struct {
	Journey string `json:"journey"`
	Node    string `json:"node"`
	Outcome string `json:"outcome,omitempty"` // empty: it faulted
	Micros  int64  `json:"us"`                // how long it took, in microseconds
}

// MaxTrail is how many steps of a journey an event has at most: the last ones.
const MaxTrail = 32

// Log is where events go. Safe for concurrent use; a nil Log drops everything.
type Log struct {
	sink      atomic.Pointer[sink]
	path      string // of the file, for Reopen
	strict    bool
	pseudonym []byte // the key; none: user names are written as they are
	now       func() time.Time
}

// New writes events to w, each by one call. With strict, [Log.Strict] is true.
func New(w io.Writer, strict bool) *Log {
	l := &Log{strict: strict, now: time.Now}
	l.sink.Store(&sink{w: w})
	return l
}

// Open appends events to a file, made with mode 0600 if absent.
func Open(path string, strict bool) (*Log, error) {
	l := New(io.Discard, strict)
	l.path = path
	return l, l.Reopen()
}

// Pseudonyms has user names replaced by what [Pseudonym] makes of them under the key. Call it before the first Write.
func (l *Log) Pseudonyms(key []byte) { l.pseudonym = key }

// Strict reports whether what can't be audited has to be refused.
func (l *Log) Strict() bool { return l != nil && l.strict }

// Path is the file that events are appended to, or empty.
func (l *Log) Path() string { return l.path }

// Reopen opens the file anew, for rotation; also when the old one takes nothing any more. Without a file it does nothing.
func (l *Log) Reopen() error {
	if l.path == "" {
		return nil
	}
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open audit file: %w", err)
	}
	l.sink.Swap(&sink{w: f, file: f}).close()
	return nil
}

// Write writes one event as one line, with the time of now. An error means that the line may be missing. It comes after
// half a second at the latest: a sink that blocks holds nobody up for longer. A line that meets [Log.Reopen] is in the old
// file or in the new one.
func (l *Log) Write(e Event) error {
	if l == nil {
		return nil
	}
	e.Time = l.now().UTC()
	if len(l.pseudonym) > 0 && e.Username != "" {
		e.Username = Pseudonym(l.pseudonym, e.Realm, e.Username)
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode audit event: %w", err)
	}
	line = append(visible(line), '\n')
	s := l.sink.Load()
	err = s.write(line)
	for errors.Is(err, os.ErrClosed) && l.sink.Load() != s { // opened anew since the sink was loaded
		s = l.sink.Load()
		err = s.write(line)
	}
	if err != nil {
		return fmt.Errorf("write audit event: %w", err)
	}
	return nil
}

// Pseudonym stands for a canonical user name of a realm: it is the same for the same name, and tells nothing of it to who
// does not have the key. The realm is written in any spelling, with or without its slash.
func Pseudonym(key []byte, realm, name string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\x00%s", strings.ToLower(strings.TrimPrefix(realm, "/")), name)
	return "p:" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// visible escapes the characters that JSON leaves as they are although a terminal doesn't show them: format characters
// (among them the bidirectional ones), C1 controls, and unassigned or private ones.
func visible(line []byte) []byte {
	if !bytes.ContainsFunc(line, hidden) {
		return line
	}
	var b bytes.Buffer
	for _, r := range string(line) {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

func hidden(r rune) bool {
	return r == 0x7f || (r >= utf8.RuneSelf && !unicode.IsPrint(r)) || strings.ContainsRune(blanks, r)
}

// blanks are letters and symbols that look like nothing: the Hangul fillers and the empty Braille pattern.
const blanks = "\u115f\u1160\u3164\uffa0\u2800"

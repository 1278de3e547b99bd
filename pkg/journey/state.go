package journey

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Input is what a run starts from. Run changes nothing in it.
type Input struct {
	Realm      string
	Username   string // canonical
	Password   string
	Parameters url.Values // the declared ones, see [Set.Parameters]
	Client     *realm.Client
	Scopes     []string
	Address    string      // the end user's
	User       *realm.User // nil: no such owner
	// Verify compares with the local owner's password, through the one chokepoint: it does the same work when User is
	// nil or may not log in, and then says no. Run calls it at most once.
	Verify func(ctx context.Context, password string) (bool, error)
	// Seed opens the owner's seed of one-time codes; nil, or no bytes: there is none. Run calls it at most once.
	Seed func() ([]byte, error)
	// Away is around every wait for an outside source, so that the caller can lend what it holds for the run; nil: nothing.
	Away func(wait func())
	// Locked: this attempt has been refused already. The run goes the usual way at the usual cost, but no source other
	// than Verify is asked, every answer is no, and it never succeeds.
	Locked bool
	Now    time.Time
	// Rehearsal stands in for outside sources and the seed, in tests of a journey; nil: this is in earnest.
	Rehearsal *Rehearsal
}

// State is one run as its nodes see it. It belongs to the goroutine that runs the journey, and is empty after the run.
type State struct {
	in     Input
	rights rights // of the node that is running

	hasUsername, hasPassword bool // collected
	user                     *realm.User
	client                   *realm.Client

	level      int
	properties map[string]string
	reason     string
	given      []given
	verified   bool
	evaluated  bool
	trail      []Step
	at         int // in the trail, of the node that is running

	code     *Code  // how the one-time code was judged; nil: it was not
	codeStep uint64 // of the code that was right

	source     string // that said yes first, if it is not the store
	attributes map[string]string
	enabled    *bool
	count      bool
	migrate    bool
}

// rights are what a node may read besides what every node may.
type rights struct {
	password   bool
	seed       bool
	parameters []string
}

// CollectUsername puts the request's user name into the run; false if it has none.
func (s *State) CollectUsername() bool {
	s.hasUsername = s.in.Username != ""
	return s.hasUsername
}

// CollectPassword puts the request's password into the run, without showing it to the caller; false if it has none.
func (s *State) CollectPassword() bool {
	s.hasPassword = s.in.Password != ""
	return s.hasPassword
}

// Username is the canonical user name, once a node has collected it.
func (s *State) Username() (string, bool) {
	if !s.hasUsername {
		return "", false
	}
	return s.in.Username, true
}

// Password is the password, once a node has collected it, for nodes that declare that they read it ([PasswordReader]).
func (s *State) Password() (string, bool) {
	if !s.hasPassword || !s.rights.password {
		return "", false
	}
	return s.in.Password, true
}

// Parameter is the value of a request parameter that the node declares ([ParameterReader]). An empty one is absent.
func (s *State) Parameter(name string) (string, bool) {
	if !slices.Contains(s.rights.parameters, name) {
		return "", false
	}
	value := s.in.Parameters.Get(name)
	return value, value != ""
}

// User is the local resource owner, once the user name is collected, without the password's hash and the seed of codes;
// nil: there is none. It is this run's copy.
func (s *State) User() *realm.User {
	if s.user == nil && s.hasUsername && s.in.User != nil {
		s.user = s.in.User.Clone()
		s.user.PasswordHash, s.user.Seed = "", nil
	}
	return s.user
}

// Attributes are those of the resource owner, with what outside sources have said yes with in this run in their place: what
// will be in the record after a success. nil: there is neither.
func (s *State) Attributes() map[string]string {
	var own map[string]string
	if u := s.User(); u != nil {
		own = u.Attributes
	}
	if len(s.attributes) == 0 {
		return own
	}
	all := make(map[string]string, len(own)+len(s.attributes))
	maps.Copy(all, own)
	for k, v := range s.attributes {
		if all[k] = v; v == "" {
			delete(all, k)
		}
	}
	return all
}

// PasswordSet is when the password that is kept for the owner was set, or the account made if that is not known; false:
// there is no owner, or no password is kept.
func (s *State) PasswordSet() (at time.Time, ok bool) {
	if s.User() == nil || s.in.User.PasswordHash == "" {
		return time.Time{}, false
	}
	if s.in.User.PasswordSet.IsZero() {
		return s.in.User.Created, true
	}
	return s.in.User.PasswordSet, true
}

// Locked reports whether the attempt has been refused already ([Input.Locked]), to nodes that declare that they read the
// password ([PasswordReader]): who looks must also have the password compared, so that looking costs the same.
func (s *State) Locked() bool { return s.rights.password && s.in.Locked }

// Client is the client that asks, without the hashes of its secrets; nil if the run has none. Its lists must not be changed.
func (s *State) Client() *realm.Client {
	if s.client == nil && s.in.Client != nil {
		client := *s.in.Client
		client.SecretHash, client.PreviousSecretHash = "", ""
		s.client = &client
	}
	return s.client
}

// Realm is the realm's key.
func (s *State) Realm() string { return s.in.Realm }

// Scopes are those that the client asks for. The caller may change them without effect.
func (s *State) Scopes() []string { return slices.Clone(s.in.Scopes) }

// Address is the end user's address, as far as it is known; else empty.
func (s *State) Address() string { return s.in.Address }

// Now is the one time of the run.
func (s *State) Now() time.Time { return s.in.Now }

// AuthLevel is the authentication level reached so far.
func (s *State) AuthLevel() int { return s.level }

// SetAuthLevel sets it. It counts only if the journey succeeds.
func (s *State) SetAuthLevel(level int) { s.level = level }

// Property is a session property set in this run.
func (s *State) Property(name string) (string, bool) {
	value, ok := s.properties[name]
	return value, ok
}

// SetProperty sets one. It counts only if the journey succeeds. Clients see it: no secrets.
func (s *State) SetProperty(name, value string) {
	if s.properties == nil {
		s.properties = make(map[string]string)
	}
	s.properties[name] = value
}

// SetReason says why the journey will fail, if it does: one of the Reason constants; any other counts as
// [ReasonFailed]. The last one counts; a credential that is right takes it back.
func (s *State) SetReason(reason string) {
	if !knownReason(reason) {
		reason = ReasonFailed
	}
	s.reason = reason
}

// Visits is how often the running node has been reached in this run, this time included.
func (s *State) Visits() int {
	if len(s.trail) == 0 {
		return 0
	}
	n, running := 0, s.trail[s.at]
	for _, step := range s.trail {
		if step.Journey == running.Journey && step.Node == running.Node {
			n++
		}
	}
	return n
}

// running is the id of the node that is running.
func (s *State) running() string {
	if len(s.trail) == 0 {
		return ""
	}
	return s.trail[s.at].Node
}

// close leaves nothing in a State that a node may have kept.
func (s *State) close() { *s = State{} }

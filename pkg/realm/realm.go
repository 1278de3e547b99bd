package realm

import "time"

// Names of the grant types (RFC 6749 sections 4.3 and 6).
const (
	GrantPassword = "password"
	GrantRefresh  = "refresh_token"
)

// Never is the lifetime of what does not expire. Zero means "not set" wherever a lifetime may be inherited.
const Never time.Duration = -1

// Realm is one realm as configured. A Realm is immutable once it is in use: a reload makes new ones.
type Realm struct {
	Path    Path
	Active  bool     // its own and every parent's flag
	Aliases []string // host names, lower case, without port
	Issuer  string   // complete: never empty in use
	CORS    []string // allowed origins
	Authentication
	Limits   Limits
	Provider *Provider // nil: the realm has no OAuth2 provider
	Clients  []*Client // the static ones
}

// Authentication is how resource owners of a realm log in.
type Authentication struct {
	OrganizationAuthenticationConfiguration string // a journey, or empty
	Lockout                                 Lockout
}

// Lockout is the budget of wrong passwords of one resource owner.
type Lockout struct {
	Threshold   int           // wrong passwords per lock; 0: never locks
	Window      time.Duration // failures are forgotten after so long without one
	Duration    time.Duration // of the first lock; each further one is twice as long
	MaxDuration time.Duration
	StopAfter   int // consecutive failures after which only an administrator unlocks; 0: never
}

// Limits are the rate limits of a realm.
type Limits struct {
	Address    Limit // failed client authentications and logins of one end-user address
	Client     Limit // password grants of one confidential client
	UserClient Limit // password grants for one user name through one of these
	Alarms     Alarms
}

// Alarms are what one party may do before it is noticed. They refuse nobody; zero turns one off.
type Alarms struct {
	Owners int // distinct user names denied at one end-user address; no more than MaxAlarmOwners
	// Grants and DeniedPercent belong together: a client is noticed when more than so many percent of its password grants
	// are denied, of at least so many.
	Grants        int
	DeniedPercent int
}

// MaxAlarmOwners bounds what is remembered of one address.
const MaxAlarmOwners = 200

// Limit is how many requests there may be at once; they come back evenly, all of them in Per. The zero value is off.
type Limit struct {
	Requests int
	Per      time.Duration
}

// On reports whether there is a limit.
func (l Limit) On() bool { return l.Requests > 0 && l.Per > 0 }

// Provider is the OAuth2 provider of a realm.
type Provider struct {
	GrantTypes                         []string
	PasswordGrantAuthenticationService string // a journey, or empty
	DefaultScopes                      []string
	AccessTokenLifetime                time.Duration // Never: no expiry
	RefreshTokenLifetime               time.Duration // Never: no expiry
	RefreshTokenMaxLifetime            time.Duration // of the grant, over all rotations; Never: no bound
	RefreshTokenGracePeriod            time.Duration // 0: off
	IssueRefreshToken                  bool
	IssueRefreshTokenOnRefresh         bool
	TokenInfo                          bool
	GrantLimit                         GrantLimit
}

// GrantLimit is how many live grants a resource owner may have, through all clients together. The zero value is no limit.
type GrantLimit struct {
	Most        int  // 0: no limit; no more than MaxGrantLimit
	EvictOldest bool // one more ends the oldest; false: one more is refused
}

// MaxGrantLimit bounds the work of a login that meets the limit: it reads all of its owner's grants.
const MaxGrantLimit = 500

// On reports whether there is a limit.
func (l GrantLimit) On() bool { return l.Most > 0 }

// Overrides are a client's own provider settings. A zero value inherits the realm's.
type Overrides struct {
	AccessTokenLifetime        time.Duration `json:"access_token_lifetime,omitempty"`
	RefreshTokenLifetime       time.Duration `json:"refresh_token_lifetime,omitempty"`
	IssueRefreshToken          *bool         `json:"issue_refresh_token,omitempty"`
	IssueRefreshTokenOnRefresh *bool         `json:"issue_refresh_token_on_refresh,omitempty"`
}

// For is what holds for a client: the realm's settings with the client's own in their place.
func (p *Provider) For(o Overrides) Provider {
	eff := *p
	if o.AccessTokenLifetime != 0 {
		eff.AccessTokenLifetime = o.AccessTokenLifetime
	}
	if o.RefreshTokenLifetime != 0 {
		eff.RefreshTokenLifetime = o.RefreshTokenLifetime
	}
	if o.IssueRefreshToken != nil {
		eff.IssueRefreshToken = *o.IssueRefreshToken
	}
	if o.IssueRefreshTokenOnRefresh != nil {
		eff.IssueRefreshTokenOnRefresh = *o.IssueRefreshTokenOnRefresh
	}
	return eff
}

package config

import (
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
)

// file is the whole of config.yaml. The yaml tags of it and of the types below are all keys there are, in the order of
// `config show --effective`.
type file struct {
	Server          Server                  `yaml:"server"`
	Admin           Admin                   `yaml:"admin"`
	Ops             Ops                     `yaml:"ops"`
	Storage         Storage                 `yaml:"storage"`
	Secrets         Secrets                 `yaml:"secrets"`
	PasswordHashing PasswordHashing         `yaml:"password_hashing"`
	Log             Log                     `yaml:"log"`
	Audit           Audit                   `yaml:"audit"`
	Realms          map[string]realmSection `yaml:"realms"`
}

// Default is what holds for keys that are left out.
func (f *file) Default() {
	f.Server = Server{
		Listen: "127.0.0.1:8080", BaseURL: "http://127.0.0.1:8080", ProxyHeader: guard.XForwardedFor, DrainTimeout: 15 * time.Second,
		Limits: ServerLimits{
			Connections: 10_000, Requests: 2000, Streams: 100, Header: 16 * KiB,
			HeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute,
		},
	}
	f.Admin.Socket = "data/admin.sock"
	f.Ops.Listen = "127.0.0.1:9090"
	f.Storage = Storage{
		Driver: DriverBolt,
		Bolt:   Bolt{Path: "data/ropcd.db"},
		Redis: Redis{
			Mode: RedisSingle, Addrs: []string{"127.0.0.1:6379"},
			KeyPrefix: "ropcd", Timeout: 300 * time.Millisecond,
		},
	}
	f.Secrets.SystemFiles = []string{"data/system.secret"}
	f.PasswordHashing = PasswordHashing{
		Algorithm: "argon2id",
		Argon2id:  Argon2id{Memory: 19 * MiB, Iterations: 2, Parallelism: 1},
		Bcrypt:    Bcrypt{Cost: 12},
	}
	f.Log = Log{Level: "info", Format: "json"}
	f.Audit.Mode = AuditBestEffort
}

type realmSection struct {
	Active         bool                      `yaml:"active"`
	Issuer         string                    `yaml:"issuer"`
	Aliases        []string                  `yaml:"aliases"`
	CORS           corsSection               `yaml:"cors"`
	Authentication authenticationSection     `yaml:"authentication"`
	Limits         limitsSection             `yaml:"limits"`
	Provider       *providerSection          `yaml:"oauth2_provider"`
	Journeys       map[string]journeySection `yaml:"journeys"`
	Clients        []clientSection           `yaml:"clients"`
	JourneyTests   []testSection             `yaml:"journey_tests"`
}

func (r *realmSection) Default() {
	r.Active = true
	r.Authentication.Lockout = lockoutSection{
		Threshold: 5, Window: 15 * time.Minute,
		Duration: 30 * time.Second, MaxDuration: 15 * time.Minute, StopAfter: 100,
	}
	r.Limits = limitsSection{
		Address:    limitSection{Requests: 60, Per: time.Minute},
		Client:     limitSection{Requests: 6000, Per: time.Minute},
		UserClient: limitSection{Requests: 300, Per: time.Minute},
		Alarms:     alarmsSection{Owners: 20, Grants: 100, DeniedPercent: 50},
	}
}

type corsSection struct {
	AllowedOrigins []string `yaml:"allowed_origins"`
}

type authenticationSection struct {
	Organization string         `yaml:"organization_authentication_configuration" is:"journey"`
	Lockout      lockoutSection `yaml:"lockout"`
}

type lockoutSection struct {
	Threshold   int           `yaml:"threshold"`
	Window      time.Duration `yaml:"window"`
	Duration    time.Duration `yaml:"duration"`
	MaxDuration time.Duration `yaml:"max_duration"`
	StopAfter   int           `yaml:"stop_after"`
}

type limitsSection struct {
	Address    limitSection  `yaml:"address"`
	Client     limitSection  `yaml:"client"`
	UserClient limitSection  `yaml:"user_client"`
	Alarms     alarmsSection `yaml:"alarms"`
}

type alarmsSection struct {
	Owners        int `yaml:"owners"`
	Grants        int `yaml:"grants"`
	DeniedPercent int `yaml:"denied_percent"`
}

type limitSection struct {
	Requests int           `yaml:"requests"`
	Per      time.Duration `yaml:"per"`
}

type providerSection struct {
	GrantTypes                 []string      `yaml:"grant_types"`
	Service                    string        `yaml:"password_grant_authentication_service" is:"journey"`
	DefaultScopes              []string      `yaml:"default_scopes"`
	AccessTokenLifetime        time.Duration `yaml:"access_token_lifetime" is:"lifetime"`
	RefreshTokenLifetime       time.Duration `yaml:"refresh_token_lifetime" is:"lifetime"`
	RefreshTokenMaxLifetime    time.Duration `yaml:"refresh_token_max_lifetime" is:"lifetime"`
	RefreshTokenGracePeriod    time.Duration `yaml:"refresh_token_grace_period"`
	IssueRefreshToken          bool          `yaml:"issue_refresh_token"`
	IssueRefreshTokenOnRefresh bool          `yaml:"issue_refresh_token_on_refresh"`
	TokenInfo                  onOff         `yaml:"tokeninfo"`
	MaxSessions                int           `yaml:"max_sessions_per_user"`
	WhenMaxSessions            string        `yaml:"when_max_sessions"`
}

func (p *providerSection) Default() {
	*p = providerSection{
		GrantTypes:              grantTypes(),
		AccessTokenLifetime:     time.Hour,
		RefreshTokenLifetime:    7 * 24 * time.Hour,
		RefreshTokenMaxLifetime: realm.Never,
		RefreshTokenGracePeriod: 10 * time.Second,
		IssueRefreshToken:       true, IssueRefreshTokenOnRefresh: true,
		TokenInfo: true, WhenMaxSessions: evictOldest,
	}
}

func grantTypes() []string { return []string{realm.GrantPassword, realm.GrantRefresh} }

type journeySection struct {
	Enabled    bool                   `yaml:"enabled"`
	InnerOnly  bool                   `yaml:"inner_only"`
	Unverified bool                   `yaml:"allow_unverified"`
	Entry      string                 `yaml:"entry"`
	Nodes      map[string]nodeSection `yaml:"nodes"`
}

func (j *journeySection) Default() { j.Enabled = true }

type nodeSection struct {
	Type     string            `yaml:"type"`
	Settings strict.Raw        `yaml:"settings"`
	Outcomes map[string]string `yaml:"outcomes"`
	Next     string            `yaml:"next"`
	Nodes    []nodeSection     `yaml:"nodes"`
}

type clientSection struct {
	ID                         string        `yaml:"id"`
	SecretFile                 string        `yaml:"secret_file"`
	SecretHash                 string        `yaml:"secret_hash"`
	Enabled                    bool          `yaml:"enabled"`
	Public                     bool          `yaml:"public"`
	AllowPublicPasswordGrant   bool          `yaml:"allow_public_password_grant"`
	GrantTypes                 []string      `yaml:"grant_types"`
	Scopes                     []string      `yaml:"scopes"`
	DefaultScopes              []string      `yaml:"default_scopes"`
	TokenEndpointAuthMethod    string        `yaml:"token_endpoint_auth_method"`
	AllowedJourneys            []string      `yaml:"allowed_journeys"`
	TrustEndUserIP             string        `yaml:"trust_end_user_ip"`
	AccessTokenLifetime        time.Duration `yaml:"access_token_lifetime" is:"lifetime"`
	RefreshTokenLifetime       time.Duration `yaml:"refresh_token_lifetime" is:"lifetime"`
	IssueRefreshToken          *bool         `yaml:"issue_refresh_token"`
	IssueRefreshTokenOnRefresh *bool         `yaml:"issue_refresh_token_on_refresh"`
}

func (c *clientSection) Default() {
	c.Enabled = true
	c.GrantTypes = grantTypes()
	c.TokenEndpointAuthMethod = realm.AuthAny
}

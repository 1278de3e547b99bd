package config

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/realm"
)

// declared is a realm as it stands in the file.
type declared struct {
	at      strict.Path
	path    realm.Path
	section realmSection
}

// realms checks and builds all realms, sorted by key.
func (l *loader) realms(f *file, c *Config) {
	c.sections = map[string]realmSection{}
	byKey := l.declare(f.Realms)
	if len(byKey) == 0 {
		l.Warn(strict.Path{"realms"}, "there is no realm: every request will be answered with 404")
	}
	l.addresses(f)
	aliases := map[string]realm.Path{}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		d := byKey[key]
		c.sections[key] = d.section
		l.parent(d, byKey)
		r := &realm.Realm{
			Path: d.path, Active: active(d, byKey),
			Aliases: l.aliases(d, aliases), Issuer: l.issuer(d, f.Server.BaseURL), CORS: l.origins(d),
			Authentication: l.authentication(d), Limits: l.limits(d), Provider: l.provider(d),
		}
		set, definitions := l.journeys(d)
		r.Clients = l.clients(d, r, definitions)
		built := Realm{Realm: r, Journeys: set, Definitions: definitions}
		l.journeyTests(d, built)
		c.Realms = append(c.Realms, built)
	}
}

// declare finds realms by key, and refuses names that are none, or equal.
func (l *loader) declare(sections map[string]realmSection) map[string]declared {
	out := map[string]declared{}
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		at := strict.Path{"realms", name}
		path, err := realm.ParsePath(name)
		if err != nil {
			l.Report(at, "%s", err)
			continue
		}
		if other, twice := out[path.Key()]; twice {
			l.Report(at, "is the same realm as %q", other.at[1])
			continue
		}
		out[path.Key()] = declared{at, path, sections[name]}
	}
	return out
}

// parent holds that every level above is declared. The root always exists; declaring it opens it to requests.
func (l *loader) parent(d declared, byKey map[string]declared) {
	parent := d.path.Parent()
	if _, ok := byKey[parent.Key()]; !ok && parent != realm.Root {
		l.Report(d.at, "its parent %q is not declared", strings.TrimPrefix(string(parent), "/"))
	}
}

// active is false when the realm or any realm above it is not.
func active(d declared, byKey map[string]declared) bool {
	for path := d.path; ; path = path.Parent() {
		if above, ok := byKey[path.Key()]; ok && !above.section.Active {
			return false
		}
		if path == realm.Root {
			return true
		}
	}
}

// aliases are lower-case host names that no other realm has.
func (l *loader) aliases(d declared, taken map[string]realm.Path) []string {
	var out []string
	for i, alias := range d.section.Aliases {
		at, host := d.at.With("aliases").At(i), strings.ToLower(alias)
		if !validHost(host) {
			l.Bad(at, "is not a host name; write it without scheme, port and path")
			continue
		}
		if other, ok := taken[host]; ok {
			l.Bad(at, "is already an alias of the realm %s", other)
			continue
		}
		taken[host] = d.path
		out = append(out, host)
	}
	return out
}

// issuer is the realm's own, or the one that follows from where the server is.
func (l *loader) issuer(d declared, baseURL string) string {
	if d.section.Issuer == "" {
		return defaultIssuer(baseURL, d.path)
	}
	issuer, ok := l.url(d.at.With("issuer"), d.section.Issuer)
	if ok && issuer != d.section.Issuer {
		l.Bad(d.at.With("issuer"), "must not end with a slash: it is compared as it is written")
	}
	return issuer
}

func (l *loader) origins(d declared) []string {
	at := d.at.With("cors", "allowed_origins")
	for i, origin := range d.section.CORS.AllowedOrigins {
		l.origin(at.At(i), origin)
	}
	return d.section.CORS.AllowedOrigins
}

// origin checks what a browser sends: scheme, host in lower case, and the port if it isn't the scheme's own.
func (l *loader) origin(at strict.Path, origin string) {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !validHost(u.Hostname()) || !validPort(u.Port()) ||
		u.User != nil {
		l.Bad(at, "is not an origin; write https://host or https://host:port (there is no wildcard)")
		return
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	if exact := u.Scheme + "://" + host; exact != origin {
		l.Bad(at, "is not as browsers send it; did you mean %q?", exact)
	}
}

// The bounds of a lockout.
const (
	maxThreshold = 1000
	maxStopAfter = 1_000_000
	maxLock      = 365 * 24 * time.Hour
)

func (l *loader) authentication(d declared) realm.Authentication {
	s, at := d.section.Authentication, d.at.With("authentication", "lockout")
	lock := s.Lockout
	between(l, at.With("threshold"), lock.Threshold, 0, maxThreshold)
	between(l, at.With("stop_after"), lock.StopAfter, 0, maxStopAfter)
	between(l, at.With("window"), lock.Window, time.Second, maxLock)
	between(l, at.With("duration"), lock.Duration, time.Second, maxLock)
	between(l, at.With("max_duration"), lock.MaxDuration, time.Second, maxLock)
	switch {
	case lock.MaxDuration < lock.Duration:
		l.Bad(at.With("max_duration"), "is shorter than duration (%s)", strict.FormatDuration(lock.Duration))
	case lock.StopAfter > 0 && lock.StopAfter < lock.Threshold:
		l.Bad(at.With("stop_after"), "is less than threshold (%d); write 0 for never", lock.Threshold)
	case lock.Threshold == 0 && lock.StopAfter == 0:
		l.Warn(at, "threshold and stop_after are 0: passwords can be guessed without end")
	}
	return realm.Authentication{
		OrganizationAuthenticationConfiguration: s.Organization,
		Lockout:                                 realm.Lockout(lock),
	}
}

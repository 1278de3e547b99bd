package config

import (
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/realm"
)

// The bounds of a rate limit.
const (
	maxRequests = 1_000_000
	maxPer      = time.Hour
)

func (l *loader) limits(d declared) realm.Limits {
	s, at := d.section.Limits, d.at.With("limits")
	return realm.Limits{
		Address:    l.limit(at.With("address"), s.Address),
		Client:     l.limit(at.With("client"), s.Client),
		UserClient: l.limit(at.With("user_client"), s.UserClient),
		Alarms:     l.alarms(at.With("alarms"), s.Alarms),
	}
}

// alarms are checked so that none is written that could never be raised.
func (l *loader) alarms(at strict.Path, s alarmsSection) realm.Alarms {
	between(l, at.With("owners"), s.Owners, 0, realm.MaxAlarmOwners)
	between(l, at.With("grants"), s.Grants, 0, maxRequests)
	between(l, at.With("denied_percent"), s.DeniedPercent, 0, 99)
	return realm.Alarms(s)
}

func (l *loader) limit(at strict.Path, s limitSection) realm.Limit {
	between(l, at.With("requests"), s.Requests, 0, maxRequests)
	between(l, at.With("per"), s.Per, time.Second, maxPer)
	return realm.Limit(s)
}

// addresses warns when all requests seem to come from one address: whoever fails often would then lock everybody out.
func (l *loader) addresses(f *file) {
	if !f.Server.BehindProxy || len(f.Server.TrustedProxies) > 0 {
		return
	}
	for _, r := range f.Realms {
		if r.Limits.Address.Requests > 0 {
			l.Warn(strict.Path{"server", "behind_proxy"}, "is true, but trusted_proxies is empty: all requests seem to come from "+
				"the proxy, whose one address has the limit of one end user (limits.address)")
			return
		}
	}
}

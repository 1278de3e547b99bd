package admin

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Migration is how far the owners that one outside source has made are from doing without it.
type Migration struct {
	Source    string     `json:"source"`     // empty: made here
	Users     int        `json:"users"`      // that are enabled
	Migrated  int        `json:"migrated"`   // of them with a password here
	Pending   int        `json:"pending"`    // of them without one
	LastLogin *time.Time `json:"last_login"` // the latest of a pending one; null: none
}

// MigrationReport is a line for each source.
type MigrationReport struct {
	Realm   string      `json:"realm"`
	Sources []Migration `json:"sources"`
}

// migration goes through all owners of a realm.
func (a *api) migration(ctx context.Context, in InRealm) (MigrationReport, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return MigrationReport{}, err
	}
	bySource := map[string]*Migration{}
	for u, err := range a.Store.Users(ctx, r.Path.Key()) {
		if err != nil {
			return MigrationReport{}, err
		}
		if bySource[u.Source] == nil {
			bySource[u.Source] = &Migration{Source: u.Source}
		}
		bySource[u.Source].count(u)
	}
	out := MigrationReport{Realm: string(r.Path), Sources: []Migration{}}
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		out.Sources = append(out.Sources, *bySource[source])
	}
	return out, nil
}

func (m *Migration) count(u *realm.User) {
	if !u.Enabled {
		return
	}
	m.Users++
	if u.PasswordHash != "" {
		m.Migrated++
		return
	}
	m.Pending++
	if last := u.Login.LastLogin; !last.IsZero() && (m.LastLogin == nil || last.After(*m.LastLogin)) {
		m.LastLogin = &last
	}
}

package config

import (
	"reflect"
	"strings"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Diff names the keys that differ from old and that only a restart changes: all but the realms, log.level and the names
// of the TLS files (as long as TLS stays on, or off). It is empty when a reload does everything.
func (c *Config) Diff(old *Config) (needsRestart []string) {
	kept := c.keep(old)
	sections := []struct {
		name    string
		now, to any
	}{
		{"server", kept.Server, c.Server}, {"admin", kept.Admin, c.Admin}, {"ops", kept.Ops, c.Ops},
		{"storage", kept.Storage, c.Storage}, {"secrets", kept.Secrets, c.Secrets},
		{"password_hashing", kept.PasswordHashing, c.PasswordHashing},
		{"log", kept.Log, c.Log}, {"audit", kept.Audit, c.Audit},
	}
	for _, s := range sections {
		needsRestart = append(needsRestart, changed(s.name, reflect.ValueOf(s.now), reflect.ValueOf(s.to))...)
	}
	return needsRestart
}

// changed are the keys below name whose values differ.
func changed(name string, a, b reflect.Value) []string {
	if a.Kind() != reflect.Struct {
		if reflect.DeepEqual(a.Interface(), b.Interface()) || a.Kind() == reflect.Slice && a.Len()+b.Len() == 0 {
			return nil
		}
		return []string{name}
	}
	var out []string
	for i := range a.NumField() {
		key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		out = append(out, changed(name+"."+key, a.Field(i), b.Field(i))...)
	}
	return out
}

// Reload is what runs after a reload: next, with those keys of c that only a restart changes ([Config.Diff] names them).
// Issuers that follow from base_url stay with the base_url that is in effect.
func (c *Config) Reload(next *Config) *Config {
	out := next.keep(c)
	out.Realms = make([]Realm, len(next.Realms))
	for i, r := range next.Realms {
		out.Realms[i] = r
		if r.Issuer == defaultIssuer(next.Server.BaseURL, r.Path) {
			moved := *r.Realm
			moved.Issuer = defaultIssuer(c.Server.BaseURL, r.Path)
			out.Realms[i].Realm = &moved
		}
	}
	return &out
}

// keep is c with what can't be reloaded taken from old.
func (c *Config) keep(old *Config) Config {
	out := *old
	out.Realms, out.sections, out.path, out.nodeFiles = c.Realms, c.sections, c.path, c.nodeFiles
	out.Log.Level = c.Log.Level
	if c.Server.TLS.Enabled() == old.Server.TLS.Enabled() {
		out.Server.TLS = c.Server.TLS
	}
	return out
}

func defaultIssuer(baseURL string, path realm.Path) string {
	return baseURL + "/oauth2/" + path.LongForm()
}

// Files are the files that the configuration depends on and that a reload reads again: its own, the secrets of static
// clients, what nodes of journeys have read, and those of the server's TLS. For [Watch].
func (c *Config) Files() []string {
	files := append([]string{c.path}, c.nodeFiles...)
	if c.Server.TLS.Enabled() {
		files = append(files, c.Server.TLS.CertFile, c.Server.TLS.KeyFile)
	}
	for _, r := range c.Realms {
		for _, client := range c.sections[r.Path.Key()].Clients {
			if client.SecretFile != "" {
				files = append(files, client.SecretFile)
			}
		}
	}
	return files
}

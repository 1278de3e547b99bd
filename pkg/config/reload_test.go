package config_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDiffNamesWhatNeedsARestart(t *testing.T) {
	dir := folder(t)
	old := at(t, dir, minimal)
	tests := map[string]struct {
		text string
		want []string
	}{
		"nothing":       {minimal, nil},
		"realms":        {minimal + "  beta: {}\n", nil},
		"log level":     {minimal + "log: {level: debug}\n", nil},
		"same by hand":  {minimal + "server: {trusted_proxies: [], drain_timeout: 15000ms}\n", nil},
		"a few":         {minimal + "log: {format: text}\nserver: {listen: '127.0.0.1:1'}\n", []string{"server.listen", "log.format"}},
		"a list":        {minimal + "secrets: {system_files: [data/b, data/system.secret]}\n", []string{"secrets.system_files"}},
		"deep":          {minimal + "storage: {redis: {sentinel: {username: x}, db: 1}}\n", []string{"storage.redis.db", "storage.redis.sentinel.username"}},
		"hashing":       {minimal + "password_hashing: {max_concurrent: 3}\n", []string{"password_hashing.max_concurrent"}},
		"paths":         {minimal + "admin: {socket: x}\nops: {listen: ':1'}\naudit: {mode: strict}\n", []string{"admin.socket", "ops.listen", "audit.mode"}},
		"base_url":      {minimal + "server: {base_url: 'https://x'}\n", []string{"server.base_url"}},
		"trusted proxy": {minimal + "server: {trusted_proxies: [10.0.0.0/8]}\n", []string{"server.trusted_proxies"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := at(t, dir, tt.text).Diff(old)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("needs a restart (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffSeesTLSSwitchedOn(t *testing.T) {
	dir := folder(t)
	plain := at(t, dir, minimal)
	one, two := *plain, *plain
	one.Server.TLS.CertFile, one.Server.TLS.KeyFile = "/a", "/b"
	two.Server.TLS.CertFile, two.Server.TLS.KeyFile = "/c", "/d"
	if diff := cmp.Diff([]string{"server.tls.cert_file", "server.tls.key_file"}, one.Diff(plain)); diff != "" {
		t.Errorf("switched on (-want +got):\n%s", diff)
	}
	if got := two.Diff(&one); len(got) > 0 {
		t.Errorf("other files need a restart: %v", got)
	}
	if got := one.Reload(&two).Server.TLS; got != two.Server.TLS {
		t.Errorf("TLS after a reload: %v", got)
	}
}

func TestReloadChangesOnlyWhatItCan(t *testing.T) {
	dir := folder(t)
	old := at(t, dir, minimal)
	next := at(t, dir, minimal+"  beta: {issuer: 'https://beta.example.com'}\n"+
		"server: {base_url: 'https://x', listen: '127.0.0.1:1'}\nlog: {level: debug, format: text}\n")
	got := old.Reload(next)
	want := at(t, dir, minimal+"  beta: {issuer: 'https://beta.example.com'}\nlog: {level: debug}\n")
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("after the reload (-want +got):\n%s", diff)
	}
	if find(t, next, "/alpha").Issuer != "https://x/oauth2/realms/root/realms/alpha" {
		t.Error("Reload changed the configuration it was given")
	}
}

func TestFilesAreThoseThatAReloadReads(t *testing.T) {
	dir := folder(t)
	c := at(t, dir, minimal+"    clients: [{id: a, secret_file: files/secret, scopes: [a]}, {id: b, secret_hash: x, scopes: [a]}]\n")
	want := []string{filepath.Join(dir, "config.yaml"), filepath.Join(dir, "files/secret")}
	if diff := cmp.Diff(want, c.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

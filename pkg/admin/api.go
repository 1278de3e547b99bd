package admin

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// Options are what the API works on. Store, Provider, Passwords and Pool are needed.
type Options struct {
	Store     storage.Store
	Provider  *provider.Provider
	Passwords *password.Set
	Pool      *password.Pool
	Audit     *audit.Log   // nil: nothing is audited
	Logger    *slog.Logger // nil: nothing is logged
	Seeds     Seeds        // nil: nobody can be enrolled for one-time codes

	// Reload reads config.yaml anew. The error's text holds all problems. nil: it can't be.
	Reload func(ctx context.Context) (warnings []string, err error)
	// Effective is the configuration with every key, without secrets, ready for encoding/json. nil: it can't be shown.
	Effective func() any
	// KeyIDs are the ids of the system secrets, in hexadecimal, in order: the first signs. nil: they can't be shown.
	KeyIDs func() []string

	Version string // of the program
}

type api struct{ Options }

// New is the admin API. Whoever reaches it is an administrator: serve it on nothing but [Listen].
func New(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &api{o}
	mux := http.NewServeMux()
	for path, handler := range a.verbs() {
		mux.Handle("POST /v1/"+path, handler)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, refuse(CodeNotFound, "there is no verb %s %s; is the command older or newer than the server (%s)?",
			r.Method, r.URL.Path, a.Version))
	})
	return mux
}

// verbs is the table of all there are. What changes something is a change.
func (a *api) verbs() map[string]http.Handler {
	return map[string]http.Handler{
		"realm/list": list(a, a.listRealms),
		"realm/show": read(a, a.showRealm),

		"client/list":          list(a, a.listClients),
		"client/show":          read(a, a.showClient),
		"client/create":        change(a, "client_create", a.createClient),
		"client/update":        change(a, "client_update", a.updateClient),
		"client/enable":        change(a, "client_enable", a.enableClient),
		"client/disable":       change(a, "client_disable", a.disableClient),
		"client/rotate-secret": change(a, "client_rotate_secret", a.rotateSecret),
		"client/delete":        change(a, "client_delete", a.deleteClient),

		"user/list":         list(a, a.listUsers),
		"user/show":         read(a, a.showUser),
		"user/migration":    read(a, a.migration),
		"user/create":       change(a, "user_create", a.createUser),
		"user/update":       change(a, "user_update", a.updateUser),
		"user/enable":       change(a, "user_enable", a.enableUser),
		"user/disable":      change(a, "user_disable", a.disableUser),
		"user/set-password": change(a, "user_set_password", a.setPassword),
		"user/unlock":       change(a, "user_unlock", a.unlockUser),
		"user/delete":       change(a, "user_delete", a.deleteUser),

		"user/totp/enrol":  change(a, "user_totp_enrol", a.enrolUser),
		"user/totp/remove": change(a, "user_totp_remove", a.removeSeed),
		"user/totp/reseal": changeWithin(a, resealPatience, "user_totp_reseal", a.resealSeeds),

		"session/list":   list(a, a.listSessions),
		"session/revoke": change(a, "session_revoke", a.revokeSessions),

		"journey/list":    list(a, a.listJourneys),
		"journey/show":    read(a, a.showJourney),
		"journey/explain": read(a, a.explain),
		"journey/try":     change(a, "journey_try", a.tryJourney),

		"token/introspect": read(a, a.introspect),
		"token/revoke":     change(a, "token_revoke", a.revokeToken),

		"config/reload":    change(a, "config_reload", a.reload),
		"config/effective": read(a, a.effective),
		"secret/list":      list(a, a.listSecrets),

		"store/examine": list(a, a.examineStore),
		"store/repair":  changes(a, "store_repair", a.repairStore),
	}
}

// realm finds a realm, active or not.
func (a *api) realm(name string) (*ropc.Realm, error) {
	if name == "" {
		return nil, refuse(CodeInvalid, "the realm is missing")
	}
	path, err := realm.ParsePath(name)
	if err != nil {
		return nil, refuse(CodeInvalid, "%q is no realm: %v", name, err)
	}
	r, ok := a.Provider.Current().Realm(path.Key())
	if !ok {
		return nil, refuse(CodeNotFound, "there is no realm %q in the configuration in use", name)
	}
	return r, nil
}

// InRealm names a realm, as config.yaml or with a slash before it.
type InRealm struct {
	Realm string `json:"realm"`
}

// Nothing is asked or answered.
type Nothing struct{}

package server

import (
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/storage"
)

// DefaultRequestTimeout is the deadline of a request, the wait for a place in the hashing pool included.
const DefaultRequestTimeout = journey.RequestTime

// Options are what a server is made of.
type Options struct {
	Provider *provider.Provider
	Store    storage.Store
	Audit    *audit.Log   // nil: no audit
	Logger   *slog.Logger // nil: slog.Default()
	// BaseURL is where the endpoints are, without a slash at the end; its path is the prefix of theirs.
	BaseURL        string
	Proxies        guard.Proxies
	ProxyHeader    string        // in which they say whom they ask for; empty: guard.XForwardedFor
	RequestTimeout time.Duration // 0: DefaultRequestTimeout
	// MaxOpen is how many requests are served at once, over all connections; more get a 503. 0: DefaultMaxOpen.
	MaxOpen int
}

// Server answers the endpoints of all realms. Safe for concurrent use.
type Server struct {
	Options
	metrics *metrics
	open    openRequests
	router  *mux.Router
}

// New makes a server.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = DefaultMaxOpen
	}
	if o.ProxyHeader == "" {
		o.ProxyHeader = guard.XForwardedFor
	}
	s := &Server{Options: o, metrics: newMetrics(o.Provider.Pool)}
	s.open.most = int64(o.MaxOpen)
	s.metrics.open(&s.open)
	s.metrics.watch(o.Provider.Login.Watch)
	if c, ok := o.Store.(storage.Connected); ok {
		s.metrics.connections(c)
	}
	s.route()
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// route lists the endpoints. {realm} is nothing, or a slash and whatever else stands between
// "oauth2" and the endpoint; see resolve. One pattern serves all: each costs microseconds.
func (s *Server) route() {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	endpoints := map[string]http.Handler{}
	endpoint := func(name, path, method string, serve func(x *exchange)) {
		endpoints[path] = s.begin(name, s.oauth2(method, serve))
	}
	endpoint("access_token", "access_token", http.MethodPost, (*exchange).token)
	endpoint("introspect", "introspect", http.MethodPost, (*exchange).introspect)
	endpoint("revoke", "token/revoke", http.MethodPost, (*exchange).revoke)
	endpoint("tokeninfo", "tokeninfo", http.MethodGet, (*exchange).tokenInfo)
	endpoint("metadata", ".well-known/openid-configuration", http.MethodGet, (*exchange).metadata)
	var paths []string
	for path := range endpoints {
		paths = append(paths, regexp.QuoteMeta(path))
	}
	r.Path(basePath(s.BaseURL) + "/oauth2{realm:(?:/.*)?}/{endpoint:" + strings.Join(paths, "|") + "}").HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { endpoints[mux.Vars(r)["endpoint"]].ServeHTTP(w, r) })
	r.Path(wellKnown + "{issuer:.*}").Handler(s.begin("metadata", s.metadataOfIssuer))
	lost := s.begin("other", func(x *exchange) { x.refuse(errPath) })
	r.NotFoundHandler, r.MethodNotAllowedHandler = lost, lost
	s.router = r
}

// basePath is the path of a URL, without a slash at the end.
func basePath(baseURL string) string {
	_, rest, _ := strings.Cut(baseURL, "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return strings.TrimSuffix(rest[i:], "/")
	}
	return ""
}

// oauth2 is the common beginning of every endpoint of a realm: realm, then method.
func (s *Server) oauth2(method string, serve func(x *exchange)) func(x *exchange) {
	return func(x *exchange) {
		found, refused := resolve(x.realms, mux.Vars(x.r)["realm"], x.r)
		if refused != nil {
			x.refuse(refused)
			return
		}
		x.enter(found)
		if x.cors(method) {
			return
		}
		if x.r.Method != method {
			x.refuse(methodNotAllowed(method, x.r))
			return
		}
		serve(x)
	}
}

// cors answers a preflight request of an allowed origin, and lets its other requests be read (the Fetch standard). It
// reports whether that was all.
func (x *exchange) cors(method string) bool {
	if len(x.realm.CORS) == 0 {
		return false
	}
	h := x.w.Header()
	h.Add("Vary", "Origin")
	origin := x.r.Header.Get("Origin")
	if origin == "" || !slices.Contains(x.realm.CORS, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, WWW-Authenticate")
	if x.r.Method != http.MethodOptions || x.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", method)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	x.status = http.StatusNoContent
	x.w.WriteHeader(x.status)
	return true
}

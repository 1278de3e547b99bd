package server

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

// readyTimeout bounds the look at the store.
const readyTimeout = time.Second

// Ops answers the process endpoints: /healthz while the process is alive, /readyz while requests can be served (503 with
// the reason otherwise), /metrics. draining says that the process is about to stop.
func (s *Server) Ops(draining func() bool) http.Handler {
	r := mux.NewRouter().SkipClean(true)
	r.Path("/healthz").Methods(http.MethodGet, http.MethodHead).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "ok\n")
	})
	r.Path("/readyz").Methods(http.MethodGet, http.MethodHead).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining() {
			text(w, http.StatusServiceUnavailable, "draining\n")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := s.Store.Ready(ctx); err != nil {
			text(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
		text(w, http.StatusOK, "ready\n")
	})
	r.Path("/metrics").Methods(http.MethodGet).Handler(s.metrics.handler())
	return r
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // the connection may be gone
}

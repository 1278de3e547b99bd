package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/server"
)

// benchmark sends the same request to the server again and again, without a network.
func benchmark(b *testing.B, w *world, target, body string) {
	b.Helper()
	quiet := w.server.Options
	quiet.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
	s := server.New(quiet)
	secret := secretOf("/alpha", "app")
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("app", secret)
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			b.Fatal(answer.Code, answer.Body)
		}
	}
}

func BenchmarkIntrospection(b *testing.B) {
	w := newWorld(b, setup{})
	body := url.Values{"token": {w.login(b, "/alpha", "app").access}}.Encode()
	benchmark(b, w, endpoint("/alpha", "introspect"), body)
}

// BenchmarkUnknownPath is what the requests and recorders of the others cost.
func BenchmarkUnknownPath(b *testing.B) {
	s := http.NewServeMux()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader("token=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("app", "secret")
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}

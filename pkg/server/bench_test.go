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
	quiet.Logger = slog.New(slog.NewJSONHandler(&discard{header: http.Header{}}, nil))
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

func BenchmarkReadForm(b *testing.B) {
	form := url.Values{"grant_type": {"password"}, "username": {"demo"}, "password": {"Ch4ng31t-please"}, "scope": {"write"}}.Encode()
	r := httptest.NewRequest(http.MethodPost, "/oauth2/alpha/access_token", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.ReportAllocs()
	for b.Loop() {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
		if _, refused := server.ReadForm(r, server.TokenParameters, nil); refused != "" {
			b.Fatal(refused)
		}
	}
}

// BenchmarkRespond is the answer to a grant.
func BenchmarkRespond(b *testing.B) {
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		server.Respond(w, "at_"+tokenText, "rt_"+tokenText)
	}
}

const tokenText = "AXsJ2s3X7v4tq2dN3RjvB5wXxqQ0AAABmq0d5m0AAAAAAAAAAbVvS2fXo3M0l2Vt6r9m6yJmQqk8vT0zZb1c"

// discard is a connection without anybody at its end.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(int) {}

func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
	goredis "github.com/redis/go-redis/v9"
)

// The answers of the bare handlers are as long as the server's.
const (
	tokenAnswer = `{"access_token":"at_AXsJ2s3X7v4tq2dN3RjvB5wXxqQ0AAABmq0d5m0AAAAAAAAAAbVvS2fXo3M0l2Vt6r9m6yJmQqk8vT0zZb1c","refresh_token":` +
		`"rt_AXsJ2s3X7v4tq2dN3RjvB5wXxqQ0AAAAAbVvS2fXo3M0l2Vt6r9m6yJmQqk8vT0zZb1cA2b3","scope":"write","token_type":"Bearer","expires_in":3599}`
	activeAnswer = `{"active":true,"scope":"write","realm":"/alpha","client_id":"back-end","token_type":"Bearer","exp":1764117600,"iat":1764114000,` +
		`"expires_in":3599,"iss":"http://127.0.0.1:1/oauth2/realms/root/realms/alpha","sub":"3f1c2f7a-9b01-4a36-9f3e-0b8f4f6e6a8e",` +
		`"subname":"3f1c2f7a-9b01-4a36-9f3e-0b8f4f6e6a8e","username":"owner-1","user_id":"owner-1","auth_level":0,"auth_time":1764114000,` +
		`"authGrantId":"AXsJ2s3X7v4tq2dN3Rg","auditTrackingId":"AXsJ2s3X7v4tq2dN3Rg-1","journey":"PasswordGrant"}`
	// recordSize is about that of a grant.
	recordSize = 240
)

// writeScript is the least that a script which writes a record with a life does.
var writeScript = goredis.NewScript(`redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1`)

// The handlers that all others are compared with, by path.
const (
	barePath       = "/bare"
	bareGet        = "/get"
	bareWrite      = "/write"
	bareWriteTwice = "/write-twice"
	mallocsPath    = "/mallocs"
)

// bare is an HTTP server that does what none can do without: it routes, parses the form, asks Redis, and answers.
type bare struct{ rdb *goredis.Client }

// serveBare is its process.
func serveBare(redisAddr string) error {
	b := bare{redisClient(redisAddr)}
	if err := b.rdb.Set(context.Background(), "bare", strings.Repeat("r", recordSize), 0).Err(); err != nil {
		return fmt.Errorf("write a record: %w", err)
	}
	r := mux.NewRouter()
	answer := func(path, body string, ask func(ctx context.Context) error) {
		r.Path("/oauth2{realm:(?:/.*)?}" + path).Methods(http.MethodPost).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || len(r.PostForm) == 0 {
				http.Error(w, "no form", http.StatusBadRequest)
				return
			}
			if err := ask(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		})
	}
	answer(barePath, activeAnswer, func(context.Context) error { return nil })
	answer(bareGet, activeAnswer, func(ctx context.Context) error { return b.rdb.Get(ctx, "bare").Err() })
	answer(bareWrite, tokenAnswer, b.write)
	answer(bareWriteTwice, tokenAnswer, func(ctx context.Context) error {
		if err := b.write(ctx); err != nil {
			return err
		}
		return b.write(ctx)
	})
	return serveMeasured(r)
}

// write makes a record under a new key, as a login does.
func (b bare) write(ctx context.Context) error {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	record := strings.Repeat("r", recordSize)
	return writeScript.Run(ctx, b.rdb, []string{"bare:" + hex.EncodeToString(id[:])}, record, time.Hour.Milliseconds()).Err()
}

// serveMeasured serves on a free port, says on which, and tells how much it has allocated.
func serveMeasured(r *mux.Router) error {
	r.Path(mallocsPath).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strconv.FormatUint(mallocs(), 10))
	})
	l, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if _, err := fmt.Fprintln(os.Stdout, l.Addr()); err != nil {
		return fmt.Errorf("tell where: %w", err)
	}
	s := &http.Server{Handler: r, ReadHeaderTimeout: patience}
	return s.Serve(l)
}

// mallocs is how many objects this process has allocated.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// mallocsOf asks a server of [serveMeasured].
func mallocsOf(addr string) func() figure {
	return func() figure {
		n, err := strconv.ParseUint(fetch(addr, mallocsPath), 10, 64)
		if err != nil {
			return unknown
		}
		return figure(n)
	}
}

// fetch is what a path of a server answers; empty if it does not.
func fetch(addr, path string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return ""
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}

package admin_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const many = 5000

func TestListGivesEveryUserOnce(t *testing.T) {
	s := newServer(t)
	s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
		return func(yield func(*realm.User, error) bool) {
			for i := range many {
				if !yield(&realm.User{Realm: "/alpha", Username: fmt.Sprint("user-", i)}, nil) {
					return
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, u := range all[admin.User](s, "user/list", alpha) {
		seen[u.Username] = true
	}
	if len(seen) != many {
		t.Errorf("%d of %d users", len(seen), many)
	}
}

// The store is read no further than the caller has, and what a connection buffers: the list is nowhere held as a whole.
// Who stops reading stops the store.
func TestListStreams(t *testing.T) {
	s := newServer(t)
	var read atomic.Int64
	stopped := make(chan struct{})
	s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
		return func(yield func(*realm.User, error) bool) {
			defer close(stopped)
			padding := map[string]string{"padding": strings.Repeat("x", 64<<10)}
			for i := range many {
				read.Add(1)
				if !yield(&realm.User{Realm: "/alpha", Username: fmt.Sprint("user-", i), Attributes: padding}, nil) {
					return
				}
			}
		}
	}
	n := 0
	for _, err := range admin.List[admin.User](t.Context(), s.api, "user/list", alpha) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 10 {
			break
		}
	}
	<-stopped
	if got := read.Load(); got > many/10 {
		t.Errorf("%d users were read for the %d that were taken", got, n)
	}
}

func TestListCutShortIsAnError(t *testing.T) {
	s := newServer(t)
	list := func() (n int, err error) {
		for _, err := range admin.List[admin.User](t.Context(), s.api, "user/list", alpha) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	begin := func(then func(yield func(*realm.User, error) bool)) {
		s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
			return func(yield func(*realm.User, error) bool) {
				if yield(&realm.User{Realm: "/alpha", Username: "first"}, nil) {
					then(yield)
				}
			}
		}
	}
	// by the store
	begin(func(yield func(*realm.User, error) bool) { yield(nil, fmt.Errorf("next: %w", storage.ErrUnavailable)) })
	n, err := list()
	var refused *admin.Error
	if n != 1 || !errors.As(err, &refused) || refused.Code != admin.CodeUnavailable {
		t.Errorf("the store broke off: %d users, %v", n, err)
	}
	if !strings.Contains(s.log.String(), "user/list") {
		t.Error("the fault is not logged")
	}
	// by the server
	begin(func(func(*realm.User, error) bool) { panic(http.ErrAbortHandler) })
	if n, err := list(); err == nil {
		t.Errorf("the server broke off: %d users, %v", n, err)
	}
}

// Whatever stands between may close the stream in good order: without its last line it is not whole.
func TestListWithoutItsEndIsAnError(t *testing.T) {
	s := &server{t: t, socket: socketPath(t), answers: &buffer{}}
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"item":{"username":"first"}}`) }))
	var last error
	for _, err := range admin.List[admin.User](t.Context(), admin.Dial(s.socket), "user/list", alpha) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "cut short") {
		t.Error(last)
	}
}

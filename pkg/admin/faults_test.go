package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

func TestFaultsAreShownAsWhatTheyAre(t *testing.T) {
	for _, tc := range []struct {
		fault      error
		code, text string
	}{
		{fmt.Errorf("read: %w", storage.ErrUnavailable), admin.CodeUnavailable, "the store can't be used now"},
		{fmt.Errorf("decode: %w", storage.ErrDamaged), admin.CodeInternal, "the store holds a damaged value"},
		{context.DeadlineExceeded, admin.CodeUnavailable, "did not answer in time"},
		{password.ErrBusy, admin.CodeUnavailable, "hashing pool"},
		{errors.New("something else"), admin.CodeInternal, "internal error: "},
	} {
		t.Run(tc.fault.Error(), func(t *testing.T) {
			s := newServer(t)
			s.user("demo")
			do[admin.ClientAnswer](s, "client/create", newClient("app"))
			before := len(s.events())
			s.store.userByName = func(context.Context, string, string) (*realm.User, error) { return nil, tc.fault }
			s.store.client = func(context.Context, string, string) (*realm.Client, error) { return nil, tc.fault }
			s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
				return func(yield func(*realm.User, error) bool) { yield(nil, tc.fault) }
			}
			absent := newClient("other")
			absent.IfAbsent = true
			changes := map[string]any{
				"client/update": clientRef("app"), "client/disable": clientRef("app"), "client/create": absent,
				"user/create": admin.NewUser{InRealm: alpha, Username: "other", IfAbsent: true}, "user/disable": userRef("demo"),
				"user/unlock": userRef("demo"), "user/delete": userRef("demo"),
			}
			if errors.Is(tc.fault, storage.ErrDamaged) {
				delete(changes, "user/delete") // see TestDamagedUserCanBeDeleted
			}
			reads := map[string]any{"client/show": clientRef("app"), "user/show": userRef("demo"), "user/list": alpha}
			for _, verbs := range []map[string]any{reads, changes} {
				for verb, in := range verbs {
					if text := s.refused(tc.code, verb, in); !strings.Contains(text, tc.text) {
						t.Errorf("%s: %s", verb, text)
					}
					if !strings.Contains(s.log.String(), verb) {
						t.Errorf("%s: the fault is not logged", verb)
					}
				}
			}
			// What failed may have changed something: it is audited as a fault.
			faults := s.events()[before:]
			if len(faults) != len(changes) {
				t.Errorf("%d audit events", len(faults))
			}
			for _, e := range faults {
				if e.Outcome != audit.Fault || e.Event != audit.EventAdmin {
					t.Errorf("audited as %+v", e)
				}
			}
		})
	}
}

func TestClientWhoseGrantsCouldNotEndIsSaidToBeChanged(t *testing.T) {
	s := newServer(t)
	do[admin.ClientAnswer](s, "client/create", newClient("app"))
	s.user("demo")
	grant, _, _ := s.login("demo", "app")
	s.store.endClient = func(context.Context, string, string) error { return storage.ErrUnavailable }
	if text := s.refused(admin.CodeUnavailable, "client/disable", clientRef("app")); !strings.Contains(text, "do it again") {
		t.Error(text)
	}
	s.refused(admin.CodeUnavailable, "client/delete", clientRef("app"))
	s.refused(admin.CodeUnavailable, "client/create", newClient("other"))
	if do[admin.Client](s, "client/show", clientRef("app")).Enabled || !s.alive(grant) {
		t.Error("it is not as it was said to be")
	}
	s.store.endClient = nil
	do[admin.ClientAnswer](s, "client/disable", clientRef("app"))
	if s.alive(grant) {
		t.Error("doing it again did not end the grants")
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestChangeThatCanNotBeAudited(t *testing.T) {
	strict := newServer(t, func(o *admin.Options) { o.Audit = audit.New(full{}, true) })
	text := strict.refused(admin.CodeUnavailable, "user/create", admin.NewUser{InRealm: alpha, Username: "demo"})
	if !strings.Contains(text, "the change was made") || !strings.Contains(text, "no space left") {
		t.Error(text)
	}
	do[admin.User](strict, "user/show", userRef("demo")) // as was said

	best := newServer(t, func(o *admin.Options) { o.Audit = audit.New(full{}, false) })
	do[admin.UserAnswer](best, "user/create", admin.NewUser{InRealm: alpha, Username: "demo"})
	if !strings.Contains(best.log.String(), "audit event lost") {
		t.Error("the lost event is not logged")
	}
}

// A change goes on when the caller hangs up, and is audited.
func TestChangeIsFinishedWithoutItsCaller(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	ctx, cancel := context.WithCancel(t.Context())
	hungUp, done := make(chan struct{}), make(chan error, 1)
	s.store.updateUser = func(ctx context.Context, u *realm.User, end bool) error {
		cancel()
		<-hungUp
		err := s.store.Store.UpdateUser(ctx, u, end)
		done <- err
		return err
	}
	if _, err := admin.Do[admin.UserAnswer](ctx, s.api, "user/disable", userRef("demo")); !errors.Is(err, context.Canceled) {
		t.Fatalf("hung up: %v", err)
	}
	close(hungUp)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if do[admin.User](s, "user/show", userRef("demo")).Enabled {
		t.Error("the change was dropped")
	}
}

// post sends a body as it is, and gives the status and the answer.
func (s *server) post(method, path, body string) (int, string) {
	s.t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
	}}}
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://admin"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := c.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK && got != "application/json" {
		s.t.Errorf("%s %s: content type %q", method, path, got)
	}
	return response.StatusCode, string(text)
}

func TestRequestMustBeOneStrictObject(t *testing.T) {
	s := newServer(t)
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"unknown verb":     {"POST", "/v1/user/promote", "{}", 404, "there is no verb POST /v1/user/promote; is the command older or newer than the server (v0)?"},
		"another method":   {"GET", "/v1/realm/list", "", 404, "no verb GET"},
		"another version":  {"POST", "/v2/realm/list", "{}", 404, "no verb"},
		"unknown field":    {"POST", "/v1/user/show", `{"realm":"alpha","name":"demo"}`, 400, `unknown field \"name\"`},
		"unknown in lists": {"POST", "/v1/user/list", `{"realm":"alpha","limit":5}`, 400, "unknown field"},
		"unknown in a set": {"POST", "/v1/client/create", `{"realm":"alpha","id":"a","secret_hash":"x"}`, 400, "unknown field"},
		"two objects":      {"POST", "/v1/realm/show", `{"realm":"alpha"} {}`, 400, "more than one"},
		"a list":           {"POST", "/v1/realm/show", `["alpha"]`, 400, "can't be read"},
		"no JSON":          {"POST", "/v1/realm/show", `realm=alpha`, 400, "can't be read"},
		"cut short":        {"POST", "/v1/realm/show", `{"realm":"al`, 400, "can't be read"},
		"empty":            {"POST", "/v1/realm/show", ``, 400, "the realm is missing"},
		"too large":        {"POST", "/v1/realm/show", `{"realm":"` + strings.Repeat("a", 1<<20) + `"}`, 400, "too large"},
		"bad lifetime":     {"POST", "/v1/client/create", `{"realm":"alpha","id":"a","access_token_lifetime":"1 hour"}`, 400, "not a lifetime"},
		"bad time":         {"POST", "/v1/user/create", `{"realm":"alpha","username":"a","expires":"tomorrow"}`, 400, "not a time"},
		"number as a name": {"POST", "/v1/user/create", `{"realm":"alpha","username":7}`, 400, "can't be read"},
	} {
		if status, text := s.post(tc.method, tc.path, tc.body); status != tc.status || !strings.Contains(text, tc.want) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, _ := s.post("POST", "/v1/realm/list", ""); status != 200 {
		t.Errorf("a verb that asks nothing: %d", status)
	}
	if n := len(s.events()); n != 0 {
		t.Errorf("%d audit events of requests that did nothing", n)
	}
}

func TestNoServer(t *testing.T) {
	_, err := admin.Do[admin.Realm](t.Context(), admin.Dial(filepath.Join(t.TempDir(), "none")), "realm/show", alpha)
	if !errors.Is(err, admin.ErrNoServer) || !strings.Contains(err.Error(), "none") {
		t.Error(err)
	}
}

func TestDamagedUserCanBeDeleted(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	before := len(s.events())
	damaged := fmt.Errorf("decode: %w", storage.ErrDamaged)
	s.store.userByName = func(context.Context, string, string) (*realm.User, error) { return nil, damaged }
	do[admin.Nothing](s, "user/delete", userRef("DEMO"))
	s.store.userByName = nil
	s.refused(admin.CodeNotFound, "user/show", userRef("demo"))
	events := s.events()[before:]
	if len(events) != 1 || events[0].Reason != "user_delete" || events[0].Username != "demo" || events[0].Realm != "/alpha" {
		t.Errorf("events: %+v", events)
	}
}

func TestListGoesOnBehindADamagedUser(t *testing.T) {
	s := newServer(t)
	s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
		return func(yield func(*realm.User, error) bool) {
			_ = yield(nil, storage.ErrDamaged) && yield(&realm.User{Username: "demo"}, nil) && yield(nil, storage.ErrDamaged)
		}
	}
	var names []string
	var failed error
	for u, err := range admin.List[admin.User](t.Context(), s.api, "user/list", alpha) {
		if failed = err; err == nil {
			names = append(names, u.Username)
		}
	}
	if len(names) != 1 || names[0] != "demo" || failed == nil || !strings.Contains(failed.Error(), "2 of the users can't be read") {
		t.Errorf("listed %q, then: %v", names, failed)
	}
}

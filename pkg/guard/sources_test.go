package guard_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// place is the n-th source, from which somebody logged in n seconds after noon.
func place(n int) storage.KnownSource {
	return storage.KnownSource{Source: storage.Source{byte(n)}, Login: realm.Login{LastLogin: noon.Add(time.Duration(n) * time.Second)}}
}

func places(n ...int) (list []storage.KnownSource) {
	for _, i := range n {
		list = append(list, place(i))
	}
	return list
}

func TestKnow(t *testing.T) {
	failed := places(1, 2)
	failed[0].Login.Failures, failed[0].Login.Consecutive, failed[0].Login.LockedUntil = 3, 90, noon.Add(time.Hour)
	for _, tc := range []struct {
		name        string
		known       []storage.KnownSource
		source, now int
		want        []storage.KnownSource
	}{
		{"the first", nil, 1, 1, places(1)},
		{"one more", places(1), 2, 2, places(1, 2)},
		{"nowhere", places(1), 0, 9, places(1)},
		{"nowhere, the first", nil, 0, 9, nil},
		{"known with failures", failed, 1, 1, places(1, 2)},
		{"the eighth", places(1, 2, 3, 4, 5, 6, 7), 8, 8, places(1, 2, 3, 4, 5, 6, 7, 8)},
		{"the oldest leaves", places(4, 3, 2, 1, 8, 7, 6, 5), 9, 9, places(4, 3, 2, 9, 8, 7, 6, 5)},
		{"the clock went back", places(11, 12, 13, 14, 15, 16, 17, 18), 3, 3, places(3, 12, 13, 14, 15, 16, 17, 18)},
	} {
		got := guard.Know(tc.known, storage.Source{byte(tc.source)}, false, noon.Add(time.Duration(tc.now)*time.Second))
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s:\n%s", tc.name, d)
		}
	}
}

func TestSourceLoginIsTheAccountInTheList(t *testing.T) {
	list := places(1, 2)
	guard.SourceLogin(list, place(2).Source).Failures++
	if list[1].Login.Failures != 1 || list[0].Login.Failures != 0 {
		t.Errorf("%+v", list)
	}
	if guard.SourceLogin(list, place(3).Source) != nil || guard.SourceLogin(append(list, place(0)), storage.Source{}) != nil {
		t.Error("what is not known has an account")
	}
}

package admin_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/storage"
)

// patient is a store that has one thing to say about itself, and remembers who wanted it repaired.
type patient struct {
	storage.Store
	finding  storage.Finding
	repaired bool
}

func (p *patient) Examine(_ context.Context, repair bool) iter.Seq[storage.Finding] {
	return func(yield func(storage.Finding) bool) {
		p.repaired = p.repaired || repair
		yield(p.finding)
	}
}

// ill is a server with such a store.
func ill(t *testing.T, log *audit.Log) (*server, *patient) {
	t.Helper()
	p := &patient{finding: storage.Finding{Level: storage.LevelWarn, Check: "keys", Found: "too many", Todo: "remove some"}}
	return newServer(t, func(o *admin.Options) {
		p.Store, o.Store = o.Store, p
		if log != nil {
			o.Audit = log
		}
	}), p
}

func TestStoreIsExaminedWithoutChangingIt(t *testing.T) {
	s, p := ill(t, nil)
	got := all[storage.Finding](s, "store/examine", admin.Nothing{})
	if diff := cmp.Diff([]storage.Finding{p.finding}, got); diff != "" {
		t.Error(diff)
	}
	if p.repaired || len(s.events()) > 0 {
		t.Error("a look has repaired something, or is audited")
	}
}

func TestRepairOfStoreIsAudited(t *testing.T) {
	s, p := ill(t, nil)
	if got := all[storage.Finding](s, "store/repair", admin.Nothing{}); len(got) != 1 || !p.repaired {
		t.Errorf("repaired: %v; findings: %v", p.repaired, got)
	}
	if !slices.ContainsFunc(s.events(), func(e audit.Event) bool { return e.Reason == "store_repair" && e.Outcome == audit.Success }) {
		t.Errorf("events: %v", s.events())
	}
}

func TestRepairThatCanNotBeAudited(t *testing.T) {
	strict, p := ill(t, audit.New(full{}, true))
	if text := strict.refused(admin.CodeUnavailable, "store/repair", admin.Nothing{}); p.repaired || !strings.Contains(text, "nothing was changed") {
		t.Errorf("repaired: %v; %s", p.repaired, text)
	}
	best, p := ill(t, audit.New(full{}, false))
	if all[storage.Finding](best, "store/repair", admin.Nothing{}); !p.repaired || !strings.Contains(best.log.String(), "audit event lost") {
		t.Errorf("repaired: %v; log: %s", p.repaired, best.log)
	}
}

func TestStoreThatCanNotBeExaminedIsRefused(t *testing.T) {
	s := newServer(t)
	if text := s.refused(admin.CodeInvalid, "store/examine", admin.Nothing{}); !strings.Contains(text, "can't be examined") {
		t.Error(text)
	}
}

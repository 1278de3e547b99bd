package ropc_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

func TestErrorsAreTranslatedOnce(t *testing.T) {
	own := &fosite.RFC6749Error{ErrorField: "slow_down", DescriptionField: "of the host", CodeField: 429}
	for _, tc := range []struct {
		name string
		err  error
		want *fosite.RFC6749Error
	}{
		{"of the host", fmt.Errorf("wrapped: %w", own), own},
		{"store away", fmt.Errorf("begin: %w", storage.ErrUnavailable), ropc.ErrTemporarilyUnavailable},
		{"over a limit", fmt.Errorf("admit: %w", &guard.LimitError{Layer: storage.LayerClient, Retry: time.Second}), ropc.ErrTooManyRequests},
		{"no turn", guard.ErrBusy, ropc.ErrTemporarilyUnavailable},
		{"pool full", password.ErrBusy, ropc.ErrTemporarilyUnavailable},
		{"pool closed", password.ErrClosed, ropc.ErrTemporarilyUnavailable},
		{"late", context.DeadlineExceeded, ropc.ErrTemporarilyUnavailable},
		{"hung up", context.Canceled, ropc.ErrTemporarilyUnavailable},
		{"damaged", storage.ErrDamaged, ropc.ErrInternal},
		{"anything", errors.New("secret detail"), ropc.ErrInternal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost()
			h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) { return ropc.Result{Subject: "x"}, tc.err }
			_, err := h.ask(t, passwordForm())
			refused(t, "authenticator", err, tc.want)
			if !errors.Is(err, tc.err) && tc.want != own {
				t.Errorf("the cause is lost: %v", err)
			}
			h = newHost()
			h.issue = func(context.Context, fosite.AccessRequester, fosite.AccessResponder) error { return tc.err }
			x, err := h.ask(t, passwordForm())
			refused(t, "issuer", err, tc.want)
			if x.response != nil {
				t.Error("a response beside an error")
			}
		})
	}
	if ropc.ErrInternal.Cause() != nil || ropc.ErrTooManyRequests.Cause() != nil || ropc.ErrTemporarilyUnavailable.Cause() != nil {
		t.Error("a shared error was changed")
	}
}

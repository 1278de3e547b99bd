package ropc_test

import (
	"context"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// BenchmarkHandler shows what a journey of two nodes adds to the handler in a stock fosite server: "bare" has an
// Authenticator that says yes at once, "journey" one that runs the journey, whose password comparison costs nothing, and
// "journey alone" is that run by itself.
func BenchmarkHandler(b *testing.B) {
	j, ok := journeys(b).Journey("Plain")
	if !ok {
		b.Fatal("there is no journey")
	}
	user := &realm.User{ID: "id-1", Username: "demo", Enabled: true, PasswordHash: "h"}
	run := func(ctx context.Context, r ropc.Request) (ropc.Result, error) {
		in := journey.Input{
			Realm: "/alpha", Username: "demo", Password: r.Password, User: user, Scopes: r.Scopes, Now: time.Now(),
			Verify: func(context.Context, string) (bool, error) { return true, nil },
		}
		result, err := j.Run(ctx, in)
		if err != nil || j.Decide(in, result) != "" {
			b.Fatal(result, err)
		}
		return ropc.Result{Subject: user.ID, Username: user.Username}, nil
	}
	for name, authenticate := range map[string]authenticator{"bare": yes, "journey": run} {
		b.Run(name, func(b *testing.B) {
			h := newHost()
			h.authenticate = authenticate
			form := passwordForm()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.ask(b, form); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("journey alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := run(b.Context(), ropc.Request{Password: "right"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkClone(b *testing.B) {
	s := fullSession()
	b.ReportAllocs()
	for b.Loop() {
		clone(b, s)
	}
}

package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// ExplainQuery asks what a password grant of a client would meet.
type ExplainQuery struct {
	InRealm
	ClientID  string   `json:"client_id"`
	AuthChain string   `json:"auth_chain,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
	Username  string   `json:"username,omitempty"` // whose state is to be shown
}

// JourneyTrial asks for a run of the journey with a password, which counts as an attempt to log in. No token follows.
type JourneyTrial struct {
	ExplainQuery
	Password   string            `json:"password"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Address    string            `json:"address,omitempty"`
}

// Explanation is the answer to both.
type Explanation struct {
	Realm      string         `json:"realm"`
	Rules      []RuleState    `json:"rules"`
	Journey    string         `json:"journey"`
	Rule       string         `json:"rule"`
	Refusals   []string       `json:"refusals"` // none: a request would get as far as the journey
	Client     ExplainClient  `json:"client"`
	Scopes     []string       `json:"scopes"`
	Lifetimes  Provider       `json:"oauth2_provider"` // as it holds for the client
	Parameters []string       `json:"parameters"`      // that the journey reads, beyond user name and password
	Owner      *OwnerState    `json:"owner,omitempty"`
	Run        *JourneyReport `json:"run,omitempty"`
}

// RuleState is one of the rules that choose a journey.
type RuleState struct {
	Rule  string `json:"rule"`
	Value string `json:"value"`
	State string `json:"state"`
}

// ExplainClient is what matters of a client for the choice of a journey.
type ExplainClient struct {
	ID              string   `json:"id"`
	Enabled         bool     `json:"enabled"`
	GrantTypes      []string `json:"grant_types"`
	AllowedJourneys []string `json:"allowed_journeys"` // none: any
	Scopes          []string `json:"scopes"`
}

// OwnerState is how an owner stands.
type OwnerState struct {
	Username string `json:"username"` // canonical
	State    string `json:"state"`    // active | unknown | disabled | expired | locked
}

// JourneyReport is how a run went.
type JourneyReport struct {
	Outcome   string            `json:"outcome"` // success | denied | fault
	Reason    string            `json:"reason,omitempty"`
	Error     string            `json:"error,omitempty"` // of a fault
	AuthLevel int               `json:"auth_level"`
	Session   map[string]string `json:"session,omitempty"`
	Trail     []audit.Step      `json:"trail"`
}

func (a *api) explain(ctx context.Context, in ExplainQuery) (Explanation, error) {
	r, client, err := a.explained(ctx, in)
	if err != nil {
		return Explanation{}, err
	}
	return a.explanation(ctx, r, client, in)
}

// explanation is the answer about a realm and a client that were found.
func (a *api) explanation(ctx context.Context, r *ropc.Realm, client *realm.Client, in ExplainQuery) (out Explanation, err error) {
	e := ropc.Explain(r, client, in.AuthChain, in.Scopes)
	out = Explanation{
		Realm: string(r.Path), Rules: []RuleState{}, Journey: e.Journey, Rule: e.Rule, Refusals: filled(e.Refusals),
		Scopes: filled(e.Scopes), Lifetimes: *describeProvider(e.Settings), Parameters: filled(e.Parameters),
		Client: ExplainClient{client.ID, client.Enabled, filled(client.GrantTypes), filled(client.AllowedJourneys), filled(client.Scopes)},
	}
	for _, rule := range e.Rules {
		out.Rules = append(out.Rules, RuleState(rule))
	}
	if in.Username != "" {
		out.Owner, err = a.ownerState(ctx, r, in.Username)
	}
	return out, err
}

// explained are the realm and the client of a question.
func (a *api) explained(ctx context.Context, in ExplainQuery) (*ropc.Realm, *realm.Client, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return nil, nil, err
	}
	client, err := a.Provider.Clients.Lookup(ctx, r.Path.Key(), in.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil, refuse(CodeNotFound, "there is no client %q in realm %s", in.ClientID, r.Path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("client: %w", err)
	}
	return r, client, nil
}

func (a *api) ownerState(ctx context.Context, r *ropc.Realm, typed string) (*OwnerState, error) {
	name, ok := realm.Username(typed)
	if !ok {
		return &OwnerState{typed, journey.ReasonUnknownUser}, nil
	}
	u, err := a.Store.UserByName(ctx, r.Path.Key(), name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("user: %w", err)
	}
	now := time.Now()
	switch barred := journey.Barred(u, now); {
	case barred == journey.ReasonUnknownUser:
		return &OwnerState{name, "unknown"}, nil
	case barred != "":
		return &OwnerState{name, barred}, nil
	case guard.Judge(&u.Login, r.Lockout, 0, now) != storage.Reserved:
		return &OwnerState{name, journey.ReasonLocked}, nil
	}
	return &OwnerState{name, "active"}, nil
}

// tryJourney runs the journey as a request would, through the guard, and settles the attempt without a grant.
func (a *api) tryJourney(ctx context.Context, in JourneyTrial, t *trail) (Explanation, error) {
	r, client, err := a.explained(ctx, in.ExplainQuery)
	if err != nil {
		return Explanation{}, err
	}
	out, err := a.explanation(ctx, r, client, in.ExplainQuery)
	if err != nil {
		return out, err
	}
	t.Realm, t.ClientID, t.Journey, t.JourneyRule = out.Realm, client.ID, out.Journey, out.Rule
	switch {
	case in.Username == "" || in.Password == "":
		return out, refuse(CodeInvalid, "a run needs a user name and a password")
	case len(out.Refusals) > 0:
		t.unchanged = true // nothing ran: the explanation says why
		return out, nil
	}
	for name := range in.Parameters {
		if !slices.Contains(out.Parameters, name) {
			return out, refuse(CodeInvalid, "the journey reads no parameter %q, only: %s", name, out.Parameters)
		}
	}
	out.Run = a.trial(ctx, r, client, in, out.Scopes)
	t.Username, t.Node = out.Owner.Username, lastStep(out.Run.Trail)
	t.Trail, t.RunOutcome, t.RunReason = out.Run.Trail, out.Run.Outcome, out.Run.Reason
	return out, nil
}

// trial is one attempt to log in, with the deadline of a client's.
func (a *api) trial(ctx context.Context, r *ropc.Realm, client *realm.Client, in JourneyTrial, scopes []string) *JourneyReport {
	parameters := url.Values{}
	for name, value := range in.Parameters {
		parameters.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(ctx, journey.RequestTime)
	defer cancel()
	trace := &ropc.Trace{}
	ctx = ropc.NewContext(ctx, &ropc.Site{Realm: r, Address: in.Address, AddressOf: ropc.AddressConnected, Trace: trace})
	result, err := a.Provider.Login.Authenticate(ctx, ropc.Request{
		Realm: r.Path.Key(), Client: ropc.Client{Client: client}, Username: in.Username, Password: in.Password,
		AuthChain: in.AuthChain, Scopes: scopes, Address: in.Address, Parameters: parameters,
	})
	if err == nil && result.Turn != nil {
		err = result.Turn.Succeed(ctx, result.Effects, nil)
	}
	var over *guard.LimitError
	report := &JourneyReport{Outcome: audit.Success, AuthLevel: result.AuthLevel, Session: result.Claims, Trail: ropc.AuditTrail(trace.Trail)}
	switch {
	case errors.Is(err, storage.ErrCodeUsed):
		report.Outcome, report.Reason = audit.Denied, audit.CodeUsed
	case errors.Is(err, storage.ErrConflict):
		report.Outcome, report.Reason = audit.Denied, audit.Disabled
	case errors.As(err, &over):
		report.Outcome, report.Reason = audit.Denied, audit.Budget
	case err != nil:
		report.Outcome, report.Reason, report.Error = audit.Fault, cmp.Or(trace.Reason, ropc.FaultReason(err)), err.Error()
	case result.Denied != "":
		report.Outcome, report.Reason = audit.Denied, result.Denied
	}
	return report
}

func lastStep(trail []audit.Step) string {
	if len(trail) == 0 {
		return ""
	}
	return trail[len(trail)-1].Node
}

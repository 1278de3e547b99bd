package ropcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
)

func explainCommand(c *cli) *cobra.Command {
	in, fromStdin := admin.JourneyTrial{}, false
	cmd := &cobra.Command{
		Use: "explain", Short: "Tell which journey a request gets, and why; with a password, how it goes",
		Long: "Tell which journey a password grant of a client gets, by which rule, and what stands in its way.\n" +
			"With --password-stdin the journey runs, node by node: that counts as an attempt to log in, and gives no token.\n" +
			"The first line of standard input is the password, each further line a parameter that the journey reads, name=value.\n" +
			"The exit status is 1 if the request would be refused, or the run ends in anything but success.",
		Example: "  ropcd journey explain --realm alpha --client myClient --username demo\n" +
			"  printf 'password\\ntotp=123456\\n' | ropcd journey explain --realm alpha --client myClient --username demo --password-stdin",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if in.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			if err := need(cmd, "client"); err != nil {
				return err
			}
			if !fromStdin {
				return c.explain(cmd.Context(), "journey/explain", in.ExplainQuery)
			}
			if err := need(cmd, "username"); err != nil {
				return err
			}
			if in.Password, in.Parameters, err = c.credentialsFromStdin(); err != nil {
				return err
			}
			return c.explain(cmd.Context(), "journey/try", in)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&in.ClientID, "client", "", "the client's id")
	flags.StringVar(&in.AuthChain, "auth-chain", "", "the request's auth_chain")
	flags.StringArrayVar(&in.Scopes, "scope", nil, "a scope that is asked for (repeat it for more)")
	flags.StringVar(&in.Username, "username", "", "the user name, in any spelling")
	flags.StringVar(&in.Address, "address", "", "the end user's address, for a run")
	flags.BoolVar(&fromStdin, "password-stdin", false, "run the journey with the password, and parameters, from standard input")
	return cmd
}

// explain shows what a request would meet; an error, if that is not a token.
func (c *cli) explain(ctx context.Context, verb string, in any) error {
	out, err := answer[admin.Explanation](ctx, c, verb, in)
	if err != nil {
		return err
	}
	if err := c.show(out, func(w io.Writer) { showExplanation(w, out) }); err != nil {
		return err
	}
	switch {
	case len(out.Refusals) > 0:
		return errors.New("the request would be refused")
	case out.Run != nil && out.Run.Outcome != audit.Success:
		return fmt.Errorf("the run ended in %s", out.Run.Outcome)
	}
	return nil
}

// credentialsFromStdin reads a password, and the parameters below it.
func (c *cli) credentialsFromStdin() (password string, parameters map[string]string, err error) {
	text, err := c.secretFromStdin("password")
	if err != nil {
		return "", nil, err
	}
	password, rest, _ := strings.Cut(text, "\n")
	parameters = map[string]string{}
	for line := range strings.Lines(rest) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if !ok || name == "" {
			return "", nil, setupError{errors.New("below the password each line of standard input is a parameter, name=value")}
		}
		parameters[name] = value
	}
	return strings.TrimSuffix(password, "\r"), parameters, nil
}

// showExplanation tells what a request would meet, from the choice of the journey to its end. How that ends comes first.
func showExplanation(w io.Writer, e admin.Explanation) {
	showEnd(w, e)
	fmt.Fprintln(w, "RULE\tVALUE\t")
	for _, r := range e.Rules {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Rule, visible(r.Value), r.State)
	}
	fmt.Fprintln(w)
	pairs(w, "journey", e.Journey, "client", e.Client.ID)
	allowed := any(e.Client.AllowedJourneys)
	if len(e.Client.AllowedJourneys) == 0 {
		allowed = "any"
	}
	p := e.Lifetimes
	pairs(w, "allowed_journeys", allowed, "scope", e.Scopes, "parameters", e.Parameters,
		"access_token_lifetime", p.AccessTokenLifetime, "issue_refresh_token", p.IssueRefreshToken,
		"refresh_token_lifetime", p.RefreshTokenLifetime, "refresh_token_max_lifetime", p.RefreshTokenMaxLifetime)
	if e.Owner != nil {
		pairs(w, "user", e.Owner.Username, "state", e.Owner.State)
	}
	if e.Run != nil {
		showRun(w, e.Run)
	}
}

// showEnd is what a request is refused for, or how the run ended; nothing, if nothing is known to be in the way.
func showEnd(w io.Writer, e admin.Explanation) {
	for _, refusal := range e.Refusals {
		pairs(w, "refused", refusal)
	}
	if r := e.Run; r != nil {
		pairs(w, "outcome", r.Outcome)
		for _, kv := range [][2]string{{"reason", r.Reason}, {"error", r.Error}} {
			if kv[1] != "" {
				pairs(w, kv[0], kv[1])
			}
		}
	}
	if len(e.Refusals) > 0 || e.Run != nil {
		fmt.Fprintln(w)
	}
}

// showRun is the trace of a run, a line a node.
func showRun(w io.Writer, r *admin.JourneyReport) {
	fmt.Fprintln(w, "\nJOURNEY\tNODE\tOUTCOME\tTOOK")
	for _, s := range r.Trail {
		outcome := s.Outcome
		if outcome == "" {
			outcome = "fault"
		}
		took := time.Duration(s.Micros) * time.Microsecond
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", visible(s.Journey), visible(s.Node), outcome, took)
	}
	if r.Outcome == audit.Success {
		fmt.Fprintln(w)
		pairs(w, "auth_level", r.AuthLevel, "session", r.Session)
	}
}

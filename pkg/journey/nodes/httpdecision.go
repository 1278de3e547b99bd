package nodes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
)

// HTTPDecision asks a service of yours whether the password is right: it posts JSON with `username`, `password`, `realm`,
// `client_id` and `address`, signed as Standard Webhooks are (https://www.standardwebhooks.com), and decides by the status of
// the answer. Who is right and has no account here gets one, with the attributes that are mapped; later logins update them.
// While an account is locked here, the service is not asked. No redirect is followed. Any other status, and no answer, is a
// fault: the client gets a 503 or 500.
type HTTPDecision struct {
	// URL is where to post to: https://, or http:// on this machine.
	URL string `yaml:"url"`
	// SecretFile holds the key of the signature: `whsec_` and base64, or any other text as it is.
	SecretFile string `yaml:"secret_file"`
	// CAFile holds the certificates, in PEM, that the service's is verified with; the system's if it is left out.
	CAFile string `yaml:"ca_file"`
	// Timeout bounds one answer, connecting included.
	Timeout time.Duration `yaml:"timeout"`
	// Statuses say which status means which outcome: {200: true, 204: true, 401: false, 410: expired, 423: locked} if they
	// are left out.
	Statuses map[string]string `yaml:"statuses"`
	// Attributes are those that are kept here: name here to key in the JSON object that a "true" answers with.
	Attributes map[string]string `yaml:"attributes"`
}

func newHTTPDecision() journey.Settings { return &HTTPDecision{Timeout: 1500 * time.Millisecond} }

// usualStatuses hold where settings name none. A 404 is none of them: a wrong URL must not look like a wrong password.
func usualStatuses() map[int]string {
	return map[int]string{
		http.StatusOK: outcomeTrue, http.StatusNoContent: outcomeTrue, http.StatusUnauthorized: outcomeFalse,
		http.StatusGone: outcomeExpired, http.StatusLocked: outcomeLocked,
	}
}

// Outcomes are "true" (right), "locked" and "expired" (as the service says, or locked here), and "false" (anything else:
// wrong, missing, unknown).
func (*HTTPDecision) Outcomes() []string {
	return []string{outcomeTrue, outcomeFalse, outcomeLocked, outcomeExpired}
}

// ReadsPassword is true: the service compares it.
func (*HTTPDecision) ReadsPassword() bool { return true }

// Verifies is "true".
func (*HTTPDecision) Verifies() []string { return []string{outcomeTrue} }

// Open fails for files that can't be read, and for all that can be known to be wrong without connecting.
func (d *HTTPDecision) Open(env journey.Env) (journey.Node, error) {
	if err := checkServiceURL(d.URL); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if d.Timeout <= 0 {
		return nil, errors.New("timeout: must be more than 0")
	}
	statuses, err := readStatuses(d.Statuses)
	if err != nil {
		return nil, fmt.Errorf("statuses: %w", err)
	}
	if d.SecretFile == "" {
		return nil, errors.New("secret_file: name the file that holds the key of the signature")
	}
	key, err := readSecret(env, d.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	var ca []byte
	if d.CAFile != "" {
		if ca, err = readFile(env, d.CAFile); err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
	}
	s, err := newService(key, ca)
	if err != nil {
		return nil, err
	}
	s.url, s.timeout, s.statuses, s.wanted = d.URL, d.Timeout, statuses, d.Attributes
	return &httpNode{s}, nil
}

// checkServiceURL refuses what a password must not be sent to.
func checkServiceURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Fragment != "":
		return errors.New("must be https://host/path")
	case u.User != nil:
		return errors.New("must not hold a user or a password: the request is signed")
	case u.Scheme == "https", u.Scheme == "http" && onThisMachine(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("passwords would travel in clear: use https://")
	}
	return errors.New("must be https://host/path")
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

// readStatuses refuses statuses that are never an answer, and outcomes that there are not.
func readStatuses(given map[string]string) (map[int]string, error) {
	if len(given) == 0 {
		return usualStatuses(), nil
	}
	outcomes, statuses := (*HTTPDecision)(nil).Outcomes(), map[int]string{}
	for _, text := range slices.Sorted(maps.Keys(given)) {
		status, err := strconv.Atoi(text)
		switch {
		case err != nil || status < 200 || status > 499 || (status >= 300 && status < 400) || status == http.StatusTooManyRequests:
			return nil, fmt.Errorf("%s can't be an answer", text)
		case !slices.Contains(outcomes, given[text]):
			return nil, fmt.Errorf("%s: there is no outcome %q, only %s", text, given[text], strings.Join(outcomes, ", "))
		}
		statuses[status] = given[text]
	}
	if !slices.Contains(slices.Collect(maps.Values(statuses)), outcomeTrue) {
		return nil, errors.New("none of them is true")
	}
	return statuses, nil
}

type httpNode struct{ *service }

// Run asks, once a run.
func (n *httpNode) Run(ctx context.Context, s *journey.State) (string, error) {
	a, err := s.VerifyWith(ctx, &question{service: n.service, about: aboutRun(s)})
	if err != nil {
		return "", err
	}
	return sourceOutcome(s, a), nil
}

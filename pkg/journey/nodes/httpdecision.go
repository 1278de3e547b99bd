package nodes

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/pace"
)

// HTTPDecision asks a web service whether the password is right. It sends one POST with the JSON object `username`,
// `password`, `realm`, `client_id` and `address` (the end user's; empty if it is not known), and takes the status of the
// answer for a yes or a no. Who is right and has no account here gets one, with the attributes that are mapped; later
// logins update them.
//
// The request is signed as Standard Webhooks (standardwebhooks.com) has it, in the headers `webhook-id`,
// `webhook-timestamp` and `webhook-signature`. The service should refuse what is not signed, or else it tells everybody who
// reaches it which passwords are right; it should take the same time whether there is such a user or not. This makes a secret
// for `secret_file`, and the service gets the same text:
//
//	(umask 077; printf 'whsec_%s\n' "$(openssl rand -base64 32)" > data/service.secret)
//
// While an account is locked here, the service is not asked. A service that does not answer, answers with a status that is
// not listed, or redirects is a fault: the client gets a 503 or a 500. It is charged as a wrong password if that had been sent,
// except for 429 and 503, which say that nobody looked at it. Two nodes with one source are asked once in a run, in the words
// of the node that comes first. The service must tell names apart as exactly as they are sent: whoever it knows by several
// names gets several accounts.
type HTTPDecision struct {
	// URL is the service: https://host/path, without a user, a query and a fragment. Plain http:// is for this machine only,
	// since a password travels.
	URL string `yaml:"url" reference:"required"`
	// Timeout bounds the whole answer, connecting included. It must be shorter than the 2s that a request has.
	Timeout time.Duration `yaml:"timeout"`
	// CAFile holds the certificates, in PEM, that the service's is verified with; the system's if it is left out.
	CAFile string `yaml:"ca_file"`
	// SecretFile holds the secret that signs the requests: `whsec_` and base64, as the libraries of Standard Webhooks take
	// it, or any other text, which is taken as it is. It has at least 24 bytes.
	SecretFile string `yaml:"secret_file" reference:"required"`
	// Source is the name under which accounts that it makes are kept. It must stay the same when the URL changes; the URL if
	// it is left out.
	Source string `yaml:"source"`
	// Link is "own" (the default): it logs in those whose accounts it has made, and makes new ones; or "any": also those whom
	// an administrator or another source has made, whoever has their name at the service.
	Link string `yaml:"link"`
	// Statuses are what the service's answers mean: a status from 200 to 299 or from 400 to 499 to one of `true`, `false`,
	// `locked` and `expired`. All others are faults. If they are left out, 200 and 204 are `true`, 401 is `false`, 423 is
	// `locked` and 410 is `expired`: a wrong URL (404) must not look like a wrong password. The first `false`, or 401 if it is one, is taken for a wrong password:
	// no other no comes sooner than those came lately.
	Statuses map[string]Verdict `yaml:"statuses"`
	// Attributes are those that are kept here: name here to key of the JSON object that a yes brings along. Strings, numbers
	// and booleans are kept as text; what is null or missing is removed here too. An answer 204 says nothing of them, and
	// leaves them alone. Without attributes nothing but the status is read.
	Attributes map[string]string `yaml:"attributes"`
}

// Verdict is what an answer of a web service means: "true", "false", "locked" or "expired".
type Verdict string

// UnmarshalText takes any text, so that true needs no quotes. Open judges it.
func (v *Verdict) UnmarshalText(text []byte) error {
	*v = Verdict(text)
	return nil
}

func newHTTPDecision() journey.Settings { return &HTTPDecision{Timeout: 1500 * time.Millisecond} }

// Outcomes are "true" (right), "locked" and "expired" (as the service says, or locked here), and "false" (anything else:
// wrong, missing, unknown).
func (*HTTPDecision) Outcomes() []string {
	return []string{outcomeTrue, outcomeFalse, outcomeLocked, outcomeExpired}
}

// ReadsPassword is true: the service compares it.
func (*HTTPDecision) ReadsPassword() bool { return true }

// Verifies is "true".
func (*HTTPDecision) Verifies() []string { return []string{outcomeTrue} }

// Open fails for files that can't be read, and for all that can be known to be wrong without connecting. Its errors do not
// repeat the URL, which may hold a password by mistake.
func (d *HTTPDecision) Open(env journey.Env) (journey.Node, error) {
	address, err := serviceURL(d.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if err := checkTimeout(d.Timeout); err != nil {
		return nil, err
	}
	verdicts, err := newVerdicts(d.Statuses)
	if err != nil {
		return nil, fmt.Errorf("statuses: %w", err)
	}
	for here, there := range d.Attributes {
		if here == "" || there == "" {
			return nil, errors.New("attributes: a name is empty")
		}
	}
	roots, err := d.roots(env)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	if d.SecretFile == "" {
		return nil, errors.New("secret_file: name the file with the secret that signs the requests")
	}
	signer, err := newSigner(env, d.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	all, err := linksAny(d.Link)
	if err != nil {
		return nil, err
	}
	return &httpService{
		linked: linked{cmp.Or(d.Source, address), all},
		url:    address, timeout: d.Timeout, signer: signer, verdicts: verdicts, attributes: maps.Clone(d.Attributes),
		transport: newTransport(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, d.Timeout),
	}, nil
}

// roots are the certificates that the service is verified with; nil: the system's.
func (d *HTTPDecision) roots(env journey.Env) (*x509.CertPool, error) {
	if d.CAFile == "" {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the system's
	}
	pem, err := readFile(env, d.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in PEM")
	}
	return pool, nil
}

// serviceURL refuses a URL to which no password may go, and one with parts that may be secret: it stands in errors, and in
// the records of the owners whom the service vouches for.
func serviceURL(text string) (string, error) {
	if text == "" {
		return "", errors.New("name the service to ask")
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", errors.New("it is not https://host/path")
	}
	if u.User != nil || strings.ContainsAny(text, "?#") {
		return "", errors.New("it must not have a user, a query or a fragment")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", errors.New("its port must be from 1 to 65535")
		}
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", errors.New("passwords would go over the network in clear: use https://")
	}
	return u.String(), nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && address.Unmap().IsLoopback())
}

// httpService is the node, and what its runs share.
type httpService struct {
	linked
	url        string
	timeout    time.Duration
	signer     signer
	verdicts   verdicts
	attributes map[string]string
	transport  *http.Transport
	health     health
	pace       pace.Pace
}

func (h *httpService) Run(ctx context.Context, s *journey.State) (string, error) {
	source := &httpSource{httpService: h, realm: s.Realm(), address: s.Address(), now: s.Now()}
	if client := s.Client(); client != nil {
		source.client = client.ID
	}
	a, err := s.VerifyWith(ctx, source)
	if err != nil {
		return "", err
	}
	return sourceOutcome(s, a), nil
}

// Close closes the connections that are kept. Runs under way end as they would.
func (h *httpService) Close() error {
	h.transport.CloseIdleConnections()
	return nil
}

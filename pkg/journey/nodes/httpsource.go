package nodes

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/pace"
)

const (
	// maxConnections are how many users are asked about at once; the others wait.
	maxConnections = 64
	// idleTime is for how long a connection is kept. A service that closes one just when it is used again never answers,
	// and the question is not repeated; most keep them for 5 seconds or longer.
	idleTime = 4 * time.Second

	maxHeader = 16 << 10
	maxBody   = 64 << 10
)

// newTransport is used without an http.Client, so it follows no redirect, keeps no cookie and asks nobody who is not in the
// configuration: a proxy of the environment is not. It repeats no request whose bytes may have reached the service.
func newTransport(config *tls.Config, timeout time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext, // dialling goes on when its request has ended
		TLSHandshakeTimeout:    timeout,
		TLSClientConfig:        config,
		DisableCompression:     true,
		MaxConnsPerHost:        maxConnections,
		MaxIdleConnsPerHost:    maxConnections,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// httpSource is a service as one run asks it.
type httpSource struct {
	*httpService
	realm, client, address string
	now                    time.Time
}

// Check implements journey.Source. What JSON can't carry is wrong, and nobody is asked: the service would compare something
// else.
func (s *httpSource) Check(ctx context.Context, username, password string) (journey.Answer, error) {
	if !utf8.ValidString(username) || !utf8.ValidString(password) {
		return journey.Answer{}, s.Refuse(ctx)
	}
	start := time.Now()
	status, answer, err := s.ask(ctx, username, password)
	if _, said := s.verdicts.of[status]; said {
		s.health.note(ctx, start, nil) // if there is an error, it is about this user
	} else {
		s.health.note(ctx, start, err)
	}
	switch {
	case err != nil:
		return journey.Answer{}, err
	case answer.Right:
		return answer, nil
	case status == s.verdicts.wrong:
		s.pace.Add(time.Since(start))
		return answer, nil
	}
	return answer, s.delay(ctx, start)
}

// Refuse implements journey.Source. While the service fails it fails too, or else the difference would tell who is locked.
func (s *httpSource) Refuse(ctx context.Context) error {
	start := time.Now()
	if f := s.health.failure(); f != nil {
		if err := pace.Until(ctx, start.Add(f.took)); err != nil {
			return s.unanswered(ctx, err)
		}
		return f.err
	}
	return s.delay(ctx, start)
}

// delay waits until a wrong password would have been found out.
func (s *httpSource) delay(ctx context.Context, start time.Time) error {
	if err := s.pace.Wait(ctx, start); err != nil {
		return s.unanswered(ctx, err)
	}
	return nil
}

// question is the body of a request.
type question struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Realm    string `json:"realm"`
	ClientID string `json:"client_id"`
	Address  string `json:"address"`
}

// ask sends one request. Its errors hold nothing that the user or the service said.
func (s *httpSource) ask(ctx context.Context, username, password string) (status int, a journey.Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var connected atomic.Bool // the password may have been sent from then on
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	request, err := s.request(traced, username, password)
	if err != nil {
		return 0, a, err
	}
	response, err := s.transport.RoundTrip(request)
	if err == nil && ctx.Err() != nil { // a handler that gives up with us may say 200 by doing so
		_ = response.Body.Close()
		err = ctx.Err()
	}
	if err != nil {
		if err = s.unanswered(ctx, err); connected.Load() {
			err = fmt.Errorf("%w: %w", err, journey.ErrSent)
		}
		return 0, a, err
	}
	defer response.Body.Close()
	status = response.StatusCode
	verdict, known := s.verdicts.of[status]
	switch {
	case known && verdict == outcomeTrue && len(s.attributes) > 0 && status != http.StatusNoContent:
		a, err = s.read(ctx, response.Body)
		return status, a, err
	case known:
		_, _ = io.CopyN(io.Discard, response.Body, maxBody) // so that the connection is used again
		return status, journey.Answer{Right: verdict == outcomeTrue, Reason: reasons[verdict]}, nil
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable: // it did not look at the password
		return status, a, fmt.Errorf("%w: ask %s: status %d", journey.ErrUnavailable, s.url, status)
	case status >= http.StatusInternalServerError:
		return status, a, fmt.Errorf("%w: %w: ask %s: status %d", journey.ErrUnavailable, journey.ErrSent, s.url, status)
	}
	return status, a, fmt.Errorf("%w: ask %s: status %d, which is neither a yes nor a no", journey.ErrSent, s.url, status)
}

func (s *httpSource) request(ctx context.Context, username, password string) (*http.Request, error) {
	body, err := json.Marshal(question{username, password, s.realm, s.client, s.address})
	if err != nil {
		return nil, fmt.Errorf("ask %s: encode: %w", s.url, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", s.url, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "ropcd")
	if err := s.signer.sign(r.Header, s.now, body); err != nil {
		return nil, fmt.Errorf("ask %s: sign: %w", s.url, err)
	}
	return r, nil
}

// read reads the attributes that a yes brings along.
func (s *httpSource) read(ctx context.Context, body io.Reader) (journey.Answer, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return journey.Answer{}, s.unanswered(ctx, err)
	}
	known, err := readAttributes(text, s.attributes)
	if err != nil {
		return journey.Answer{}, fmt.Errorf("ask %s: %w", s.url, err)
	}
	return journey.Answer{Right: true, Attributes: known}, nil
}

// unanswered is the fault of a question without a whole answer. An error of the network may quote what the service sent,
// and that what it was sent, so only those are shown that come before the password goes out.
func (s *httpSource) unanswered(ctx context.Context, err error) error {
	var (
		network     *net.OpError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: ask %s: %w", journey.ErrUnavailable, s.url, ctx.Err())
	case errors.As(err, &network) && network.Op == "dial":
		return fmt.Errorf("%w: ask %s: %w", journey.ErrUnavailable, s.url, network)
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: ask %s: %w", journey.ErrUnavailable, s.url, certificate)
	}
	return fmt.Errorf("%w: ask %s: no answer, or not one that can be understood", journey.ErrUnavailable, s.url)
}

package nodes

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/pace"
)

const (
	// maxServiceAnswer bounds the body and the headers of an answer.
	maxServiceAnswer = 64 << 10
	// minServiceKey is the shortest key of the signature.
	minServiceKey = 16
	// maxServiceConns bounds how many users are asked about at once; the others wait.
	maxServiceConns = 32
)

// service is what is asked: one URL, with one client of its own.
type service struct {
	url      string
	timeout  time.Duration
	statuses map[int]string
	wanted   map[string]string // attributes: name here to key in the answer

	signer *webhooks.Webhook
	client *http.Client
	pace   pace.Pace
}

// newService makes the signer and the client.
func newService(key string, ca []byte) (*service, error) {
	s := &service{}
	var err error
	if strings.HasPrefix(key, "whsec_") {
		s.signer, err = webhooks.NewWebhook(key)
	} else {
		s.signer, err = webhooks.NewWebhookRaw([]byte(key))
	}
	if len(key) < minServiceKey {
		return nil, fmt.Errorf("secret_file: a key of less than %d bytes can be guessed", minServiceKey)
	}
	if err != nil {
		return nil, errors.New("secret_file: what follows whsec_ is not base64") // its cause may tell of the key
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != nil {
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("ca_file: holds no certificate")
		}
	}
	s.client = &http.Client{
		// No proxy: the environment's would be an address that the configuration does not name.
		Transport: &http.Transport{
			TLSClientConfig: t, ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxServiceAnswer,
			MaxConnsPerHost: maxServiceConns, MaxIdleConnsPerHost: maxServiceConns, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// Close closes the connections that are kept.
func (s *service) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// about is what the service is told beside the credentials.
type about struct {
	Realm    string `json:"realm"`
	ClientID string `json:"client_id"`
	Address  string `json:"address"`
}

func aboutRun(s *journey.State) about {
	a := about{Realm: s.Realm(), Address: s.Address()}
	if c := s.Client(); c != nil {
		a.ClientID = c.ID
	}
	return a
}

// question is the service as the source of one run.
type question struct {
	*service
	about
}

// Name implements journey.Source.
func (s *service) Name() string { return s.url }

// Refuse implements journey.Source: it takes as long as one of the latest refusals, and asks nobody.
func (s *service) Refuse(ctx context.Context) error { return s.pace.Wait(ctx, time.Now()) }

// Check implements journey.Source.
func (q *question) Check(ctx context.Context, username, password string) (journey.Answer, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	body, err := json.Marshal(struct {
		Username string `json:"username"`
		Password string `json:"password"`
		about
	}{username, password, q.about})
	if err != nil {
		return journey.Answer{}, errors.New("encode the question")
	}
	response, err := q.post(ctx, body)
	if err != nil {
		return journey.Answer{}, err
	}
	defer response.Body.Close()
	answer, err := q.judge(response)
	if err == nil && !answer.Right {
		q.pace.Add(time.Since(start))
	}
	return answer, err
}

func (s *service) post(ctx context.Context, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.GetBody = nil // a password that was sent is not sent again by itself
	id, now := "msg_"+rand.Text(), time.Now()
	signature, err := s.signer.Sign(id, now, body)
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set(webhooks.HeaderWebhookID, id)
	r.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhooks.HeaderWebhookSignature, signature)
	response, err := s.client.Do(r)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // without the URL, which the log has from the node
	}
	if err != nil {
		return nil, fmt.Errorf("%w: ask the service: %w", journey.ErrUnavailable, err)
	}
	return response, nil
}

// judge says what the status means.
func (s *service) judge(response *http.Response) (journey.Answer, error) {
	status := response.StatusCode
	outcome, known := s.statuses[status]
	switch {
	case !known && (status >= http.StatusInternalServerError || status == http.StatusTooManyRequests):
		return journey.Answer{}, fmt.Errorf("%w: the service answers with status %d", journey.ErrUnavailable, status)
	case !known:
		return journey.Answer{}, fmt.Errorf("the service answers with status %d, which the settings do not name", status)
	case outcome == outcomeTrue:
		attributes, err := s.attributes(response.Body)
		return journey.Answer{Right: err == nil, Attributes: attributes}, err
	}
	// Reading what there is keeps the connection usable; what is too long is not read.
	_, _ = io.CopyN(io.Discard, response.Body, maxServiceAnswer)
	return journey.Answer{Reason: map[string]string{
		outcomeLocked: journey.ReasonLocked, outcomeExpired: journey.ReasonExpired, outcomeFalse: journey.ReasonWrongPassword,
	}[outcome]}, nil
}

// attributes are those that are mapped; what the answer lacks is removed.
func (s *service) attributes(body io.Reader) (map[string]string, error) {
	if len(s.wanted) == 0 {
		_, _ = io.CopyN(io.Discard, body, maxServiceAnswer)
		return map[string]string{}, nil
	}
	text, err := io.ReadAll(io.LimitReader(body, maxServiceAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%w: read the service's answer: %w", journey.ErrUnavailable, err)
	}
	if len(text) > maxServiceAnswer {
		return nil, fmt.Errorf("the service's answer is longer than %d KiB", maxServiceAnswer>>10)
	}
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, errors.New("the service's answer is not a JSON object") // its cause may tell what is in it
	}
	known := make(map[string]string, len(s.wanted))
	for name, key := range s.wanted {
		switch v := all[key].(type) {
		case string:
			known[name] = v
		case json.Number:
			known[name] = v.String()
		case bool:
			known[name] = strconv.FormatBool(v)
		case nil:
			known[name] = ""
		default:
			return nil, fmt.Errorf("the service's %q is neither text nor number nor boolean", key)
		}
	}
	return known, nil
}

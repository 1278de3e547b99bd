package main_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const maxStreams = 10

// secure starts a server that speaks TLS, with limits.
func secure(t *testing.T, limits string) *process {
	t.Helper()
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", alpha)
	path := filepath.Join(dir, "config.yaml")
	text := strings.Replace(file(t, path), `base_url: "http://127.0.0.1:1"`,
		`base_url: "https://127.0.0.1:1", tls: {cert_file: cert.pem, key_file: key.pem}, limits: {`+limits+`}`, 1)
	own := httptest.NewTLSServer(nil) // for its certificate
	defer own.Close()
	pair := own.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"config.yaml": []byte(text),
		"cert.pem":    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		"key.pem":     pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return start(t, dir)
}

// streams is a connection of HTTP/2 in the hands of somebody who means harm.
type streams struct {
	conn   *tls.Conn
	framer *http2.Framer
	next   uint32
	most   uint32        // streams at once, as the server says
	over   chan struct{} // the server has ended the connection
}

func (p *process) streams(t *testing.T, settings ...http2.Setting) *streams {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "http://"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s := &streams{conn: c, framer: http2.NewFramer(c, c), next: 1, over: make(chan struct{})}
	_, err = io.WriteString(c, http2.ClientPreface)
	if err == nil {
		err = s.framer.WriteSettings(settings...)
	}
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	go func() {
		defer close(s.over)
		for {
			f, err := s.framer.ReadFrame()
			if err != nil {
				return
			}
			if settings, ok := f.(*http2.SettingsFrame); ok && !settings.IsAck() {
				s.most, _ = settings.Value(http2.SettingMaxConcurrentStreams)
				close(told)
			}
		}
	}()
	select {
	case <-told:
	case <-time.After(patience):
		t.Fatal("no settings")
	}
	return s
}

// open begins a request whose body does not come, and gives it up at once if it is told to.
func (s *streams) open(giveUp bool) error {
	err := s.begin("/oauth2/realms/root/realms/alpha/access_token")
	if err == nil && giveUp {
		err = s.framer.WriteRSTStream(s.next-2, http2.ErrCodeCancel)
	}
	return err
}

// begin sends the header of a request, of which more is to come.
func (s *streams) begin(path string, more ...[2]string) error {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, f := range append([][2]string{
		{":method", "POST"}, {":scheme", "https"}, {":authority", "as.example"}, {":path", path}, {"content-type", "application/x-www-form-urlencoded"},
	}, more...) {
		_ = e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // never fails in memory
	}
	id := s.next
	s.next += 2
	return s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
}

// number is a metric without labels.
func (p *process) number(name string) float64 { return (&settlers{p: p}).metric(name) }

// newClient is one that means no harm.
func newClient() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
	}}
}

// ask asks for the metadata.
func (p *process) ask(client *http.Client) (head, error) {
	r, err := client.Get(strings.Replace(p.url, "http://", "https://", 1) + "/.well-known/oauth-authorization-server/oauth2/realms/root/realms/alpha")
	if err != nil {
		return head{}, err
	}
	_ = r.Body.Close()
	return head{r.StatusCode, r.ProtoMajor, r.Proto, r.Header}, nil
}

// head is a response without its body.
type head struct {
	StatusCode, ProtoMajor int
	Proto                  string
	Header                 http.Header
}

// Whoever opens streams and resets them (CVE-2023-44487), or leaves them open, neither fills memory nor keeps others out.
func TestFloodsOfStreamsHurtNobodyElse(t *testing.T) {
	p := secure(t, "streams: "+strconv.Itoa(maxStreams)+", read_timeout: 2s")
	client := newClient()
	served := func() {
		t.Helper()
		r, err := p.ask(client)
		if err != nil {
			t.Error(err)
			return
		}
		if r.StatusCode != http.StatusOK || r.ProtoMajor != 2 {
			t.Errorf("another client: %d over %s", r.StatusCode, r.Proto)
		}
	}
	served()
	memory, goroutines := p.number("ropcd_process_resident_memory_bytes"), p.number("ropcd_go_goroutines")
	resets, connections := p.reset(t, served)
	if peak := p.number("ropcd_go_goroutines"); peak > goroutines+flooders*(maxStreams+10) {
		t.Errorf("%v goroutines right after the flood, %v before", peak, goroutines)
	}
	held := p.hold(t)
	served()
	for _, s := range held {
		_ = s.conn.Close()
	}
	client.CloseIdleConnections()
	eventually(t, "the goroutines are gone", func() bool { return p.number("ropcd_go_goroutines") <= goroutines })
	after := p.number("ropcd_process_resident_memory_bytes")
	t.Logf("%d streams were opened and reset on %d connections; resident: %.1f MiB before, %.1f MiB after", resets, connections, memory/(1<<20), after/(1<<20))
	if after > memory+64<<20 {
		t.Errorf("resident: %.0f bytes before, %.0f after", memory, after)
	}
}

const flooders = 4

// reset opens streams and resets them as fast as it can, and connects anew whenever it is thrown out.
func (p *process) reset(t *testing.T, served func()) (resets, connections int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range flooders {
		wg.Go(func() {
			for sent := 0; sent < 5000; {
				s := p.streams(t)
				n := 0
				for ; sent+n < 5000 && s.open(true) == nil; n++ {
				}
				_ = s.conn.Close()
				sent += n
				mu.Lock()
				resets += n
				connections++
				mu.Unlock()
			}
		})
	}
	for range 20 {
		served()
	}
	wg.Wait()
	return resets, connections
}

// hold opens more streams than are allowed, and leaves them.
func (p *process) hold(t *testing.T) (held []*streams) {
	t.Helper()
	for range flooders {
		s := p.streams(t)
		if s.most != maxStreams {
			t.Errorf("%d streams at once, want %d", s.most, maxStreams)
		}
		for range 3 * maxStreams {
			if s.open(false) != nil {
				break
			}
		}
		held = append(held, s)
	}
	return held
}

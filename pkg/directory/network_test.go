package directory_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
)

// pair are two servers with the same user.
func pair(t *testing.T) (first, second *directorytest.Server) {
	t.Helper()
	first, second = directorytest.Start(t, directorytest.Options{}), directorytest.Start(t, directorytest.Options{})
	first.AddUser("zoë", password, nil)
	second.AddUser("zoë", password, nil)
	return first, second
}

func TestServerThatIsGoneIsUnavailableAtOnce(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, nil)
	d := open(t, options(s, s.TLSURL()))
	check(t, d, "zoë", password, right)
	s.Kill()
	start := time.Now()
	unavailable(t, d, "zoë", "connect")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	s.Restart()
	check(t, d, "zoë", password, right)
}

func TestBrokenConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, nil)
	r := newRelay(t, s.Addr(), nil)
	d := open(t, options(s, r.ldap()))
	for range 3 {
		check(t, d, "zoë", password, right)
		s.Restart()
		check(t, d, "nobody", password, no(directory.Unknown))
		r.hangUp() // nobody knows before asking
		check(t, d, "zoë", password, right)
	}
}

func TestNextServerIsAskedWhenOneIsGone(t *testing.T) {
	t.Parallel()
	first, second := pair(t)
	o := options(first, first.URL(), second.URL())
	d := open(t, o)
	check(t, d, "zoë", password, right)
	first.Kill()
	check(t, d, "zoë", password, right)
	second.Kill()
	unavailable(t, d, "zoë", "connect")
	first.Restart() // it failed a moment ago, and is asked all the same when there is nobody else
	check(t, d, "zoë", password, right)
	first.Kill()
	second.Restart()
	check(t, d, "zoë", password, right)
}

func TestHangingServerLeavesTimeForTheNext(t *testing.T) {
	t.Parallel()
	first, second := pair(t)
	o := options(first, first.URL(), second.URL())
	o.Timeout = 4 * time.Second
	d := open(t, o)
	check(t, d, "zoë", password, right)
	first.Pause()
	check(t, d, "zoë", password, right)
	start := time.Now()
	check(t, d, "zoë", password, right)
	if took := time.Since(start); took > time.Second {
		t.Errorf("the next check takes %v: the server that hangs is asked first again", took)
	}
}

func TestHangingServerIsUnavailableInTime(t *testing.T) {
	t.Parallel()
	for name, startTLS := range map[string]bool{"ldaps": false, "StartTLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := directorytest.Start(t, directorytest.Options{})
			s.AddUser("zoë", password, nil)
			url := map[bool]string{false: s.TLSURL(), true: s.URL()}[startTLS]
			o := options(s, url)
			o.StartTLS, o.Timeout = startTLS, 2*time.Second
			d, fresh := open(t, o), open(t, o)
			check(t, d, "zoë", password, right)
			s.Pause()
			for _, d := range []*directory.Directory{d, fresh} { // with a connection that is kept, and without
				start := time.Now()
				unavailable(t, d, "zoë", "")
				if took := time.Since(start); took < time.Second || took > 4*time.Second {
					t.Errorf("took %v", took)
				}
			}
			s.Resume()
			check(t, d, "zoë", password, right)
		})
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	silent := newRelay(t, "", nil)
	for what, o := range map[string]directory.Options{
		"bind": options(s, silent.ldap()), "TLS": options(s, silent.ldaps()),
		"StartTLS": func() directory.Options { o := options(s, silent.ldap()); o.StartTLS = true; return o }(),
	} {
		d := open(t, o)
		before, _, _ := silent.clients()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { _, err := d.Check(ctx, "zoë", password); ended <- err }()
		eventually(t, "it is connected", func() bool { all, _, _ := silent.clients(); return all > before })
		start := time.Now()
		cancel()
		if err := <-ended; !errors.Is(err, directory.ErrUnavailable) || !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", what, err, time.Since(start))
		}
	}
	eventually(t, "no connection is left", func() bool { _, open, _ := silent.clients(); return open == 0 })
}

// Who gives up says nothing about the server.
func TestCallerThatGivesUpChangesNoOrder(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, nil)
	silent := newRelay(t, "", nil)
	o := options(s, silent.ldap(), s.TLSURL())
	o.Timeout = 4 * time.Second
	d := open(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := d.Check(ctx, "zoë", password); ended <- err }()
	eventually(t, "it is connected", func() bool { all, _, _ := silent.clients(); return all == 1 })
	cancel()
	<-ended
	check(t, d, "zoë", password, right)
	if all, _, _ := silent.clients(); all != 2 {
		t.Errorf("the first server was asked %d times, want twice", all)
	}
}

// notice is a notice of disconnection (RFC 4511 section 4.4.1), which is no answer to anything.
const notice = "\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x34\x04\x00\x04\x00\x8a\x16" + "1.3.6.1.4.1.1466.20036"

func TestServerThatAnswersSomethingElseIsUnavailableInTime(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	for what, answer := range map[string]string{
		"notice": notice, "no LDAP": "HTTP/1.1 400 Bad Request\r\n\r\n", "half a packet": "\x30\x24\x02", "huge packet": "\x30\x84\xff\xff\xff\xff",
	} {
		for _, startTLS := range []bool{false, true} {
			o := options(s, newRelay(t, "", []byte(answer)).ldap())
			o.StartTLS, o.Timeout = startTLS, time.Second
			start := time.Now()
			unavailable(t, open(t, o), "zoë", "")
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s: took %v", what, took)
			}
		}
	}
}

// The directory counts wrong passwords: one that was sent is not sent again.
func TestBindIsSentOnce(t *testing.T) {
	t.Parallel()
	first, second := directorytest.Start(t, directorytest.Options{Answering: true}), directorytest.Start(t, directorytest.Options{})
	hanging := directorytest.Answering(0, "", 3600)
	first.AddUser("zoë", password, hanging)
	second.AddUser("zoë", password, nil)
	r := newRelay(t, first.Addr(), nil)
	o := options(first, r.ldap(), second.URL())
	o.Timeout = 2 * time.Second
	unavailable(t, open(t, o), "zoë", "bind as the user")
	if n := strings.Count(r.said(), password); n != 1 {
		t.Errorf("the password is sent %d times", n)
	}
}

// A searching entry that is refused is a fault of the configuration, not a wrong password.
func TestRefusedSearchIsUnavailable(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, nil)
	wrong := options(s, s.TLSURL())
	wrong.BindPassword = "wrong"
	unavailable(t, open(t, wrong), "zoë", "bind as the searching entry: the server answers 49 (Invalid Credentials); check the bind DN and its password")
	anonymous := options(s, s.TLSURL())
	anonymous.BindDN, anonymous.BindPassword = "", ""
	unavailable(t, open(t, anonymous), "zoë", "search: the server answers 32 (No Such Object); check that the base exists")
	elsewhere := options(s, s.TLSURL())
	elsewhere.Base = "ou=nowhere," + directorytest.Base
	unavailable(t, open(t, elsewhere), "zoë", "search: the server answers 32 (No Such Object); check that the base exists")
}

// The directory may lock an entry that is refused too often.
func TestServerThatRefusesTheSearchingEntryIsLeftAlone(t *testing.T) {
	t.Parallel()
	first, second := pair(t)
	first.Delete(directorytest.BindDN)
	r := newRelay(t, first.Addr(), nil)
	d := open(t, options(first, r.ldap(), second.URL()))
	for range 3 {
		check(t, d, "zoë", password, right)
	}
	if all, _, _ := r.clients(); all != 1 {
		t.Errorf("the first server was asked %d times", all)
	}
}

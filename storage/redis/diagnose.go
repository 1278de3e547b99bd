package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

// Problem is a known cause why Redis can't be used, and what to do about it. It is an [storage.ErrUnavailable], and holds
// no secret.
type Problem struct { //nolint:errname // what it says is the point, and Examine shows it as a finding
	Found string // what is wrong
	Todo  string // what to do about it

	cause error
}

func (p *Problem) Error() string {
	return fmt.Sprintf("%v: %s: %s", storage.ErrUnavailable, p.Found, p.Todo)
}

// Unwrap implements the interface of package errors.
func (p *Problem) Unwrap() []error {
	if p.cause == nil {
		return []error{storage.ErrUnavailable}
	}
	return []error{storage.ErrUnavailable, p.cause}
}

// spoken are refusals of a server by what they say, the first that fits.
var spoken = []struct{ says, found, todo string }{
	{"NOAUTH", "the server wants a password", "set storage.redis.password_file, and storage.redis.username if it is not the default user's"},
	{"WRONGPASS", "the server refuses the user name or the password", "compare storage.redis.username and password_file with ACL LIST on the server"},
	{"DENIED", "the server is in protected mode", "give it a password or an ACL user"},
	{"cluster support disabled", "the server is no node of a cluster", "set storage.redis.mode to single or sentinel, or name nodes of a cluster"},
	{"CLUSTERDOWN", "the cluster does not serve all slots", "see CLUSTER INFO and CLUSTER SHARDS; a failed master needs a replica, or to come back"},
	{"TRYAGAIN", "a slot of the cluster is on its way", "wait until it has moved"},
	{"ASK ", "a slot of the cluster is on its way", "wait until it has moved"},
	{"unknown command 'sentinel'", "the server is no sentinel", "name the sentinels in storage.redis.addrs, or set storage.redis.mode to single"},
	{"DB index is out of range", "the server has no such database", "set storage.redis.db to one that it has"},
	{"LOADING", "the server is still loading its data", "wait until it has"},
	{"READONLY", errReplica.Found, errReplica.Todo},
	{"OOM", "the server's memory is full", "raise maxmemory"},
	{"MISCONF", "the server can't save to its disk", "see its log, and make room on the disk"},
	{"NOREPLICAS", "the server has fewer replicas than its min-replicas-to-write", "bring its replicas back"},
	{"max number of clients reached", "the server has no connection left", "raise its maxclients"},
}

// diagnose finds the known cause of a fault, or gives it back as one of storage. It may ask the server again: what is
// known of a port that speaks TLS to plain clients, or the other way round, is that they do not understand each other.
func (s *Store) diagnose(ctx context.Context, err error) error {
	var known *Problem
	if err == nil || errors.As(err, &known) || errors.Is(err, storage.ErrDamaged) {
		return fault(err)
	}
	ofSentinel := strings.Contains(err.Error(), "all sentinels")
	p := s.refused(err)
	switch {
	case p == nil && ofSentinel && errors.Is(err, goredis.Nil):
		p = &Problem{Found: "the sentinels know no master of this name", Todo: "set storage.redis.sentinel.master_name to one of SENTINEL MASTERS"}
	case p == nil:
		p = s.unconnected(ctx, err)
	}
	if p == nil {
		return fault(err)
	}
	found, todo := p.Found, p.Todo
	if ofSentinel && found != "the server is no sentinel" {
		found, todo = "sentinels: "+found, theirs.Replace(todo)
	}
	return &Problem{Found: found, Todo: todo, cause: err}
}

// theirs are the settings that hold for sentinels.
var theirs = strings.NewReplacer(
	"storage.redis.username", "storage.redis.sentinel.username", "storage.redis.password_file", "storage.redis.sentinel.password_file",
)

// refused is the problem of an answer that is a Redis's.
func (s *Store) refused(err error) *Problem {
	text := err.Error()
	if strings.Contains(text, "NOPERM") || strings.Contains(text, "ACL failure") {
		return s.forbidden(text)
	}
	for _, k := range spoken {
		if strings.Contains(text, k.says) {
			return &Problem{Found: k.found, Todo: k.todo}
		}
	}
	return nil
}

// ofCommand finds the command in a refusal.
var ofCommand = regexp.MustCompile(`run the '([a-z|-]+)' command`)

// forbidden is the problem of what an ACL does not allow. Redis names the command, and a key only by saying so.
func (s *Store) forbidden(text string) *Problem {
	if m := ofCommand.FindStringSubmatch(text); m != nil {
		return s.missing(m[1])
	}
	return &Problem{
		Found: fmt.Sprintf("the ACL of the user does not allow keys that begin with %s:", s.opts.KeyPrefix),
		Todo:  fmt.Sprintf("add ~%s:* to it, with ACL SETUSER", s.opts.KeyPrefix),
	}
}

// missing is the problem of an ACL without some commands.
func (s *Store) missing(commands ...string) *Problem {
	return &Problem{
		Found: "the ACL of the user does not allow " + strings.Join(commands, ", "),
		Todo:  "add +" + strings.Join(commands, " +") + " to it, with ACL SETUSER",
	}
}

// unconnected is the problem of what is no answer of a Redis.
func (s *Store) unconnected(ctx context.Context, err error) *Problem {
	var (
		dns      *net.DNSError
		op       *net.OpError
		record   tls.RecordHeaderError
		verified *tls.CertificateVerificationError
	)
	text := err.Error()
	switch {
	case errors.As(err, &dns):
		return &Problem{Found: "a name of storage.redis.addrs has no address", Todo: "correct it, or the name service"}
	case errors.As(err, &verified):
		return uncertified(verified)
	case errors.As(err, &record):
		return noTLS(s.opts.Addrs[0])
	case rejectsOurs(err):
		return errCertificate
	case errors.As(err, &op) && op.Op == "dial" && !op.Timeout():
		return &Problem{
			Found: fmt.Sprintf("no server answers at %v (%v)", op.Addr, op.Err),
			Todo:  "see whether it runs, compare its bind and port with storage.redis.addrs, and look for a firewall between",
		}
	case strings.Contains(text, "can't parse"), strings.Contains(text, "invalid reply"):
		return noRedis(s.opts.Addrs[0])
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded),
		strings.Contains(text, "timeout"), strings.Contains(text, "connection reset"), strings.Contains(text, "broken pipe"):
		return s.sniff(ctx)
	}
	return nil
}

func noTLS(addr string) *Problem {
	return &Problem{
		Found: "the server at " + addr + " does not speak TLS",
		Todo:  "name its tls-port in storage.redis.addrs, or set storage.redis.tls.enabled to false if the way to it is safe",
	}
}

func noRedis(addr string) *Problem {
	return &Problem{Found: "what answers at " + addr + " is no Redis", Todo: "correct storage.redis.addrs"}
}

// uncertified is the problem of a server's certificate.
func uncertified(err *tls.CertificateVerificationError) *Problem {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	p := &Problem{Found: "the server's certificate can't be trusted", Todo: "set storage.redis.tls.ca_file to the certificate that signed it"}
	switch {
	case errors.As(err, &unknown):
		p.Found = "the server's certificate is signed by somebody unknown"
	case errors.As(err, &name):
		p.Found = "the server's certificate is for another name"
		p.Todo = "set storage.redis.tls.server_name to a name that it has, or give it that of storage.redis.addrs"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		p.Found, p.Todo = "the server's certificate has expired, or is not valid yet", "renew it, and compare the clocks"
	}
	return p
}

// sniffTime bounds the second look at a server.
const sniffTime = 200 * time.Millisecond

// sniff looks at the first address in the other way: with TLS if it was plain, plain if it was TLS.
func (s *Store) sniff(ctx context.Context) *Problem {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sniffTime)
	defer cancel()
	addr := s.opts.Addrs[0]
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return &Problem{Found: "no server answers at " + addr + " in time", Todo: "see whether it runs, and look for a firewall between"}
	}
	defer func() { _ = c.Close() }()
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline)
	if s.opts.TLS == nil {
		return sniffTLS(ctx, c, addr)
	}
	_, _ = c.Write([]byte("PING\r\n")) // if it fails, so does reading
	b := make([]byte, 1)
	switch _, err := io.ReadFull(c, b); {
	case err != nil, b[0] == 0x15: // an alert: it does speak TLS
		return s.shake(ctx, addr)
	case b[0] == '+' || b[0] == '-':
		return noTLS(addr)
	}
	return noRedis(addr)
}

var errCertificate = &Problem{
	Found: "the server wants another certificate of ours",
	Todo:  "set storage.redis.tls.cert_file and key_file to one that its tls-ca-cert-file signed",
}

// rejectsOurs reports whether the server has said that it does not like our certificate, or misses one.
func rejectsOurs(err error) bool {
	var alert tls.AlertError
	text := err.Error()
	return (errors.As(err, &alert) || strings.Contains(text, "remote error: tls:")) &&
		(strings.Contains(text, "certificate") || strings.Contains(text, "handshake failure"))
}

// shake looks at a server that speaks TLS once more, in TLS 1.2, where a server refuses our certificate before the
// handshake is over. In 1.3 it does so later, and when it then hangs up its reason may be lost.
func (s *Store) shake(ctx context.Context, addr string) *Problem {
	c := s.opts.TLS.Clone()
	c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", addr)
	if err == nil {
		_ = conn.Close()
	} else if rejectsOurs(err) {
		return errCertificate
	}
	return noAnswer(addr)
}

func noAnswer(addr string) *Problem {
	return &Problem{
		Found: "the server at " + addr + " does not answer, or not in time",
		Todo:  "see whether it hangs or is overloaded; a larger storage.redis.timeout waits longer",
	}
}

// sniffTLS tells whether somebody speaks TLS. Nothing is sent through it, so that nobody has to be trusted.
func sniffTLS(ctx context.Context, c net.Conn, addr string) *Problem {
	client := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // see above
	err := client.HandshakeContext(ctx)
	var alert tls.AlertError
	if err == nil || errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls:") {
		return &Problem{
			Found: "the server at " + addr + " speaks TLS",
			Todo:  "set storage.redis.tls.enabled, and ca_file if its certificate is signed by a CA of your own",
		}
	}
	return noAnswer(addr)
}

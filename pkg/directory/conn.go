package directory

import (
	"context"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// conn is a connection to one server, used by one goroutine at a time.
type conn struct {
	*ldap.Conn
	raw    net.Conn // below TLS and LDAP
	server *server
	since  time.Time // when it was last kept for later
}

// within runs one exchange on the connection, which is lost when ctx ends before the exchange does.
//
// The library knows no contexts. Closing what it reads from ends all it waits for, and its own timeout what it would
// still wait for with nobody reading (StartTLS, answered with something else).
func (c *conn) within(ctx context.Context, exchange func() error) error {
	if end, ok := ctx.Deadline(); ok {
		c.SetTimeout(max(time.Until(end), time.Millisecond))
	}
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	err := exchange()
	if !stop() {
		return ctx.Err()
	}
	return err
}

func (c *conn) close() { _ = c.Close() }

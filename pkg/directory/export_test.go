package directory

import (
	"net"

	"github.com/go-ldap/ldap/v3"
)

type (
	Pool = pool
	Conn = conn
)

const IdleLimit = idleLimit

var NewPool = newPool

// NewConn is a connection to the server with that name over a stream that is there already.
func NewConn(stream net.Conn, servers map[string]*server, name string) *Conn {
	if servers[name] == nil {
		servers[name] = &server{addr: name}
	}
	c := &conn{Conn: ldap.NewConn(stream, false), raw: stream, server: servers[name]}
	c.Start()
	return c
}

type Server = server

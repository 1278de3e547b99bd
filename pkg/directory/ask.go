package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// ask asks one server after the other, until one answers or has been sent the password.
func (d *Directory) ask(ctx context.Context, username, password string) (answer Answer, err error) {
	if err := d.pool.Enter(ctx); err != nil {
		return Answer{}, err
	}
	defer d.pool.Leave()
	servers := inTurn(d.servers)
	for i, s := range servers {
		answer, err = d.askAt(ctx, s, len(servers)-i, username, password)
		var fault *stepError
		if err == nil || !errors.As(err, &fault) {
			s.settle(false)
			return answer, err
		}
		if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSlow) {
			return Answer{}, err // the caller does not wait: this tells nothing about the server
		}
		if fault.down {
			s.settle(true)
		}
		if fault.final || ctx.Err() != nil {
			return Answer{}, err
		}
	}
	return Answer{}, err
}

// askAt asks one server, of the number of those that are left. Until it gets the password it may use its share of the time.
func (d *Directory) askAt(ctx context.Context, s *server, left int, username, password string) (Answer, error) {
	share, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok && left > 1 {
		share, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
	}
	defer cancel()
	found, err := d.find(share, s, username)
	if err != nil {
		return Answer{}, err
	}
	if len(found) == 0 || !d.opts.bears(found[0], username) {
		if d.pace.Known() {
			return Answer{State: Unknown}, nil
		}
		return Answer{State: Unknown}, d.decoy(ctx, s)
	}
	c, err := s.dial(share)
	if err != nil {
		return Answer{}, err
	}
	defer c.close()
	answer, err := d.bind(ctx, c, found[0].DN, password)
	if answer.Right {
		answer.Attributes = pick(found[0], d.opts.Attributes)
	}
	return answer, err
}

// find answers the one entry that matches, or none.
func (d *Directory) find(ctx context.Context, s *server, username string) ([]*ldap.Entry, error) {
	if c := d.pool.Take(s); c != nil {
		found, err := d.search(ctx, c, username)
		var fault *stepError
		if !errors.As(err, &fault) || fault.answered || ctx.Err() != nil {
			return found, err
		}
		// The connection broke while nobody used it, or was about to: that says nothing about the server.
	}
	c, err := d.connect(ctx, s)
	if err != nil {
		return nil, err
	}
	return d.search(ctx, c, username)
}

// connect makes a connection that may search.
func (d *Directory) connect(ctx context.Context, s *server) (*conn, error) {
	c, err := s.dial(ctx)
	if err != nil || d.opts.BindDN == "" {
		return c, err
	}
	if err := c.within(ctx, func() error { return c.Bind(d.opts.BindDN, d.opts.BindPassword) }); err != nil {
		c.close()
		fault := broken(stepBind, err)
		fault.down = true // not again with each login: the directory may lock the entry
		return nil, fault
	}
	return c, nil
}

// search asks on a connection, which is kept if it is still good, else closed.
func (d *Directory) search(ctx context.Context, c *conn, username string) ([]*ldap.Entry, error) {
	request := &ldap.SearchRequest{
		BaseDN: d.opts.Base, Scope: scopes[d.opts.Scope], DerefAliases: ldap.NeverDerefAliases,
		SizeLimit: 2, EnforceSizeLimit: true, Attributes: d.wanted,
		Filter: strings.ReplaceAll(d.opts.Filter, Placeholder, ldap.EscapeFilter(username)),
	}
	if end, ok := ctx.Deadline(); ok {
		request.TimeLimit = int(math.Ceil(time.Until(end).Seconds())) // a server need not go on for longer
	}
	var result *ldap.SearchResult
	err := c.within(ctx, func() (err error) { result, err = c.Search(request); return err })
	if err != nil {
		c.close()
		if errors.Is(err, ldap.ErrSizeLimitExceeded) || ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
			return nil, ErrAmbiguous
		}
		return nil, broken(stepSearch, err)
	}
	d.pool.Keep(c)
	if len(result.Entries) > 1 {
		return nil, ErrAmbiguous
	}
	return result.Entries, nil // result.Referrals are not followed
}

var scopes = map[Scope]int{Subtree: ldap.ScopeWholeSubtree, OneLevel: ldap.ScopeSingleLevel, Object: ldap.ScopeBaseObject}

// bind tries the user's password. The connection is of no use afterwards.
func (d *Directory) bind(ctx context.Context, c *conn, dn, password string) (Answer, error) {
	if dn == "" || !sendable(password) {
		return Answer{}, &stepError{step: "bind as the user", reason: "it would prove nothing", final: true} // RFC 4513 section 5.1
	}
	request := ldap.NewSimpleBindRequest(dn, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
	var result *ldap.SimpleBindResult
	err := c.within(ctx, func() (err error) { result, err = c.SimpleBind(request); return err })
	return judge(result, err)
}

// sendable reports whether a bind with the password proves anything. What reads strings up to a NUL byte would take one
// that begins with it for empty.
func sendable(password string) bool { return password != "" && !strings.ContainsRune(password, 0) }

// decoy does what a bind as a user does, as nobody.
func (d *Directory) decoy(ctx context.Context, s *server) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = d.bind(ctx, c, "cn="+rand.Text()+","+d.opts.Base, rand.Text())
	var fault *stepError
	if errors.As(err, &fault) && !fault.answered {
		return err
	}
	return nil
}

package ropc

import (
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/token"
)

// Document is what introspection answers of an active token (RFC 7662 section 2.2), with the names that AM adds. Its
// fields stand in the order of the answer, and it holds no secret.
type Document struct {
	Active          bool              `json:"active"`
	Scope           string            `json:"scope"`
	Realm           string            `json:"realm"` // as declared
	ClientID        string            `json:"client_id"`
	TokenType       string            `json:"token_type,omitempty"` // of access tokens only
	Expires         int64             `json:"exp,omitempty"`        // absent: never
	IssuedAt        int64             `json:"iat"`
	ExpiresIn       *int64            `json:"expires_in,omitempty"` // whole seconds left; absent: never expires
	Issuer          string            `json:"iss"`
	Subject         string            `json:"sub"`
	Subname         string            `json:"subname"`
	Username        string            `json:"username"`
	UserID          string            `json:"user_id"`
	AuthLevel       int               `json:"auth_level"`
	AuthTime        int64             `json:"auth_time"`
	AuthGrantID     string            `json:"authGrantId"`
	AuditTrackingID string            `json:"auditTrackingId"`
	Journey         string            `json:"journey"`
	Session         map[string]string `json:"session,omitempty"`
}

// Document is the introspection of the token, for every endpoint that shows one.
func (a *Active) Document() Document {
	g := a.Grant
	d := Document{
		Active: true, Scope: strings.Join(a.Scopes, " "), Realm: string(a.Realm.Path), ClientID: g.ClientID,
		IssuedAt: a.issued().Unix(), Issuer: a.Realm.Issuer,
		Subject: g.Subject, Subname: g.Subject, Username: g.Username, UserID: g.Username,
		AuthLevel: g.AuthLevel, AuthTime: g.AuthTime.Unix(),
		AuthGrantID: g.ID.String(), AuditTrackingID: g.ID.String() + "-" + strconv.FormatUint(uint64(a.Number), 10),
		Journey: g.Journey, Session: g.Properties,
	}
	if a.Kind == token.Access {
		d.TokenType = "Bearer"
	}
	if !a.Expires.IsZero() {
		left := int64(a.Expires.Sub(a.Now) / time.Second)
		d.Expires, d.ExpiresIn = a.Expires.Unix(), &left
	}
	return d
}

// issued is when the token was made: of the login's tokens the login, of the newest ones the last refresh. Of those
// between the grant does not remember it, and they are said to be as old as the login: never younger than they are.
func (a *Active) issued() time.Time {
	newest, first := a.Grant.Seq, uint32(1)
	if a.Kind == token.Refresh {
		newest, first = a.Grant.Generation, 0
	}
	if a.Number != first && a.Number == newest && !a.Grant.Refreshed.IsZero() {
		return a.Grant.Refreshed
	}
	return a.Grant.AuthTime
}

package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
)

// tokenInfo is AM's token info endpoint: an access token tells about itself, to whoever has it (RFC 6750 section 2.1).
func (x *exchange) tokenInfo() {
	if !x.realm.Provider.TokenInfo {
		x.refuse(errPath)
		return
	}
	text, came := bearer(x.r)
	if text == "" {
		x.refuse(invalidToken(x.realm.Path, came))
		return
	}
	active, err := x.s.Provider.Tokens.Inspect(x.r.Context(), x.realm, text, true)
	switch {
	case errors.Is(err, ropc.ErrInactive) || (err == nil && (active.Kind != token.Access || active.User == nil)):
		x.refuse(invalidToken(x.realm.Path, true))
	case err != nil:
		x.answer(audit.EventTokenInfo, nil, x.fromError(err, true), nil)
	default:
		x.trace.ClientID = active.Grant.ClientID
		x.write(http.StatusOK, info{active, text})
	}
}

// bearer is the token of the one Authorization header. came is whether one came at all, even if it can't be used.
func bearer(r *http.Request) (text string, came bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", len(headers) > 1
	}
	scheme, text, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	text = strings.Trim(text, " ")
	return text, text != ""
}

// invalidToken is the answer of RFC 6750 section 3; error is named only if a token came.
func invalidToken(path realm.Path, came bool) *refusal {
	challenge := `Bearer realm="` + string(path) + `"`
	if came {
		challenge += `, error="invalid_token"`
	}
	return &refusal{
		status: http.StatusUnauthorized, name: "invalid_token",
		text:   "The access token provided is expired, revoked, malformed, or invalid for other reasons.",
		header: http.Header{"Www-Authenticate": {challenge}},
	}
}

// info is the answer about an active token: fixed keys, then one for each scope with the owner's attribute of that name.
type info struct {
	active *ropc.Active
	text   string
}

// MarshalJSON implements json.Marshaler. A scope that is called like a fixed key does not replace it.
func (i info) MarshalJSON() ([]byte, error) {
	a := i.active
	var b bytes.Buffer
	seen := map[string]bool{}
	var failed error
	put := func(key string, value any) {
		if seen[key] {
			return
		}
		seen[key] = true
		k, errKey := json.Marshal(key)
		v, errValue := json.Marshal(value)
		failed = errors.Join(failed, errKey, errValue)
		b.WriteByte(map[bool]byte{true: '{', false: ','}[b.Len() == 0])
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	put("access_token", i.text)
	put("token_type", "Bearer")
	if !a.Expires.IsZero() {
		put("expires_in", ropc.Seconds(a.Now, a.Expires))
	}
	put("scope", a.Scopes)
	put("client_id", a.Grant.ClientID)
	put("realm", string(a.Realm.Path))
	put("grant_type", a.Grant.GrantType)
	put("sub", a.Grant.Subject)
	for _, scope := range a.Scopes {
		put(scope, a.User.Attributes[scope])
	}
	b.WriteByte('}')
	return b.Bytes(), failed
}

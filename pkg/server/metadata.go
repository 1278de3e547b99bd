package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/ropcd/ropcd/pkg/ropc"
)

// wellKnown is where RFC 8414 section 3 puts the metadata: in front of the issuer's path.
const wellKnown = "/.well-known/oauth-authorization-server"

// metadata is authorization server metadata (RFC 8414 section 2). Nothing is announced before it works.
type metadataDocument struct {
	Issuer                   string   `json:"issuer"`
	TokenEndpoint            string   `json:"token_endpoint"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	GrantTypes               []string `json:"grant_types_supported"`
	ResponseTypes            []string `json:"response_types_supported"`
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	Scopes                   []string `json:"scopes_supported"`
}

func (x *exchange) metadata() { x.write(http.StatusOK, describe(x.s.BaseURL, x.realm)) }

// metadataOfIssuer finds the realm by the path of its issuer.
func (s *Server) metadataOfIssuer(x *exchange) {
	found, refused := open(byIssuer(x.realms.All(), x.r.Host, mux.Vars(x.r)["issuer"]))
	if refused != nil {
		x.refuse(refused)
		return
	}
	x.enter(found)
	if x.cors(http.MethodGet) {
		return
	}
	if x.r.Method != http.MethodGet {
		x.refuse(methodNotAllowed(http.MethodGet, x.r))
		return
	}
	x.metadata()
}

// byIssuer finds the realm whose issuer has the path. The host only decides between those that have the same one.
func byIssuer(realms []*ropc.Realm, host, path string) (found *ropc.Realm, ok bool) {
	for _, r := range realms {
		if basePath(r.Issuer) != path {
			continue
		}
		_, rest, _ := strings.Cut(r.Issuer, "://")
		if strings.EqualFold(strings.TrimSuffix(rest, path), host) {
			return r, true
		}
		if found == nil {
			found = r
		}
	}
	return found, found != nil
}

func describe(baseURL string, r *ropc.Realm) metadataDocument {
	at := baseURL + "/oauth2/" + r.Path.LongForm()
	secret := []string{"client_secret_basic", "client_secret_post"}
	scopes := slices.Clone(r.Provider.DefaultScopes)
	for _, c := range r.Clients {
		scopes = append(scopes, c.Scopes...)
	}
	slices.Sort(scopes)
	return metadataDocument{
		Issuer:                   r.Issuer,
		TokenEndpoint:            at + "/access_token",
		IntrospectionEndpoint:    at + "/introspect",
		RevocationEndpoint:       at + "/token/revoke",
		GrantTypes:               append([]string{}, r.Provider.GrantTypes...),
		ResponseTypes:            []string{},
		TokenAuthMethods:         append(slices.Clone(secret), "none"),
		IntrospectionAuthMethods: secret,
		RevocationAuthMethods:    append(slices.Clone(secret), "none"),
		Scopes:                   append([]string{}, slices.Compact(scopes)...),
	}
}

package server

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// resolve finds the realm that a request names: by the path between "oauth2" and the endpoint, by ?realm=, or by Host.
//
//	realms/root/realms/x/realms/y  the long form; realms/root/ may be left out; ?realm= must name the same
//	x/y                            the short form; ?realm= wins
//	(nothing)                      ?realm=, else the realm that lists the Host, else the root
//
// The second result is the refusal, if it is not nil.
func resolve(realms *provider.Realms, path string, r *http.Request) (*ropc.Realm, *refusal) {
	asked, refused := realmParameter(r.URL.RawQuery)
	if refused != nil {
		return nil, refused
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch {
	case path == "" && asked == "":
		if found, ok := realms.Alias(r.Host); ok {
			return open(found, true)
		}
		return open(realms.Realm(realm.Root.Key()))
	case segments[0] == "realms":
		return inLongForm(realms, segments, asked)
	case path != "" && !isShortForm(segments):
		return nil, errRealm // whatever ?realm= says
	case asked == "":
		asked = path
	}
	named, ok := parsed(asked)
	if !ok {
		return nil, errRealm
	}
	return open(realms.Realm(named.Key()))
}

// inLongForm is the realm of realms/root/realms/x…, which ?realm= must not contradict.
func inLongForm(realms *provider.Realms, segments []string, asked string) (*ropc.Realm, *refusal) {
	named, ok := longForm(segments)
	if !ok {
		return nil, errRealm
	}
	if other, ok := parsed(asked); asked != "" && (!ok || other.Key() != named) {
		return nil, errTwoRealms
	}
	return open(realms.Realm(named))
}

// isShortForm reports whether segments could be a realm's levels: "root" is none, it is written out or left out.
func isShortForm(segments []string) bool {
	p, ok := parsed(strings.Join(segments, "/"))
	return ok && p != realm.Root && segments[0] != ""
}

// open lets requests into active realms only.
func open(found *ropc.Realm, ok bool) (*ropc.Realm, *refusal) {
	if !ok || !found.Active {
		return nil, errRealm
	}
	if found.Provider == nil {
		return nil, noProvider(found.Path)
	}
	return found, nil
}

// longForm reads realms/root/realms/x…, or the same without realms/root, into a realm's key.
func longForm(segments []string) (key string, ok bool) {
	if len(segments)%2 != 0 {
		return "", false
	}
	var levels []string
	for i := 0; i < len(segments); i += 2 {
		if segments[i] != "realms" {
			return "", false
		}
		levels = append(levels, segments[i+1])
	}
	if levels[0] == "root" {
		levels = levels[1:]
	}
	if len(levels) == 0 {
		return realm.Root.Key(), true
	}
	p, ok := parsed(strings.Join(levels, "/"))
	return p.Key(), ok && p != realm.Root
}

func parsed(name string) (realm.Path, bool) {
	p, err := realm.ParsePath(name)
	return p, err == nil
}

// realmParameter is the one ?realm= of the query, empty if there is none.
func realmParameter(query string) (string, *refusal) {
	if query == "" {
		return "", nil
	}
	found := ""
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(name); err != nil || n != "realm" || value == "" {
			continue
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return "", errMalformed
		}
		if found != "" {
			return "", errRepeated
		}
		found = v
	}
	return found, nil
}

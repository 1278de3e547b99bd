package nodes

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/ropcd/ropcd/pkg/journey"
)

// names are what an expression may read, besides attributes. What is not here is a mistake when the journey loads.
var names = map[string]*cel.Type{
	"username":      cel.StringType,
	"realm":         cel.StringType,
	"client.id":     cel.StringType,
	"client.public": cel.BoolType,
	"scopes":        cel.ListType(cel.StringType),
	"address":       cel.StringType,
	"authLevel":     cel.IntType,
	"owner.exists":  cel.BoolType,
	"owner.enabled": cel.BoolType,
	"owner.expired": cel.BoolType,
	"now.hour":      cel.IntType,
	"now.weekday":   cel.IntType, // ISO 8601: Monday is 1
	"now.date":      cel.StringType,
	"now.time":      cel.StringType,
}

const attributesName = "attributes"

// readable are the names that have members, and are nothing without one.
var readable = []string{"client", "now", "owner"}

// What an expression can read at most, so that its work can be told in advance. All of it is checked, since pipelines of
// others need not keep to these bounds.
const (
	maxScopes         = 64
	maxAttributes     = 256
	maxAttributeBytes = 4 << 10
	maxNameBytes      = 256 // of a name, an id, an address, a scope
)

var (
	errManyScopes     = fmt.Errorf("the request has more than %d scopes or one of more than %d bytes", maxScopes, maxNameBytes)
	errManyAttributes = fmt.Errorf("the owner has more than %d attributes", maxAttributes)
	errLongAttribute  = fmt.Errorf("the owner has an attribute of more than %d bytes", maxAttributeBytes)
	errLongName       = errors.New("the user name, the realm, the client's id or the address is too long")
)

// variables are the values of the names, as far as the expression reads them.
func (e *expression) variables(s *journey.State) (map[string]any, error) {
	username, _ := s.Username()
	values := map[string]any{
		"username": types.String(username), "realm": types.String(s.Realm()), "address": types.String(s.Address()),
		"authLevel": types.Int(s.AuthLevel()), "client.id": types.String(""), "client.public": types.False,
	}
	id := ""
	if client := s.Client(); client != nil {
		id = client.ID
		values["client.id"], values["client.public"] = types.String(id), types.Bool(client.Public)
	}
	if max(len(username), len(s.Realm()), len(s.Address()), len(id)) > maxNameBytes {
		return nil, errLongName
	}
	var err error
	if e.reads["scopes"] {
		values["scopes"], err = scopesOf(s)
	}
	if e.reads[attributesName] && err == nil {
		values[attributesName], err = attributesOf(s)
	}
	if e.reads["owner"] {
		user := s.User()
		values["owner.exists"] = types.Bool(user != nil)
		values["owner.enabled"] = types.Bool(user != nil && user.Enabled)
		values["owner.expired"] = types.Bool(user != nil && user.Expired(s.Now()))
	}
	if e.reads["now"] {
		tellTime(s, values)
	}
	return values, err
}

func scopesOf(s *journey.State) (ref.Val, error) {
	scopes := s.Scopes()
	if len(scopes) > maxScopes || slices.ContainsFunc(scopes, func(scope string) bool { return len(scope) > maxNameBytes }) {
		return nil, errManyScopes
	}
	return types.NewStringList(types.DefaultTypeAdapter, scopes), nil
}

// attributes are those of the owner. One that the owner does not have is empty.
type attributes struct{ traits.Mapper }

// Find finds all names; Contains, which `in` asks, does not.
func (a attributes) Find(name ref.Val) (ref.Val, bool) {
	if value, ok := a.Mapper.Find(name); ok {
		return value, true
	}
	return types.String(""), true
}

// Get is Find.
func (a attributes) Get(name ref.Val) ref.Val {
	value, _ := a.Find(name)
	return value
}

func attributesOf(s *journey.State) (ref.Val, error) {
	all := s.Attributes()
	if len(all) > maxAttributes {
		return nil, errManyAttributes
	}
	for _, value := range all {
		if len(value) > maxAttributeBytes {
			return nil, errLongAttribute
		}
	}
	return attributes{types.NewStringStringMap(types.DefaultTypeAdapter, all)}, nil
}

func tellTime(s *journey.State, values map[string]any) {
	now := s.Now().UTC()
	values["now.hour"] = types.Int(now.Hour())
	values["now.weekday"] = types.Int((now.Weekday()+6)%7 + 1)
	values["now.date"] = types.String(now.Format("2006-01-02"))
	values["now.time"] = types.String(now.Format("15:04"))
}

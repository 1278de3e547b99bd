package nodes

import (
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// environment is what an expression may read. What is not here is a mistake when the journey loads.
type environment struct {
	Username   string            `expr:"username"`
	Realm      string            `expr:"realm"`
	Client     clientView        `expr:"client"`
	Scopes     []string          `expr:"scopes"`
	Address    string            `expr:"address"`
	AuthLevel  int               `expr:"authLevel"`
	Owner      ownerView         `expr:"owner"`
	Attributes map[string]string `expr:"attributes"`
	Now        clock             `expr:"now"`
}

type clientView struct {
	ID     string `expr:"id"`
	Public bool   `expr:"public"`
}

type ownerView struct {
	Exists  bool `expr:"exists"`
	Enabled bool `expr:"enabled"`
	Expired bool `expr:"expired"`
}

type clock struct {
	Hour    int    `expr:"hour"`
	Weekday int    `expr:"weekday"` // ISO 8601: Monday is 1
	Date    string `expr:"date"`
	Time    string `expr:"time"`
}

// What an environment holds at most, so that the work of an expression can be told in advance. The lists and the
// attributes are checked, since pipelines of others need not keep to these bounds.
const (
	maxScopes         = 64
	maxScopeBytes     = 16 << 10 // of all scopes
	maxAttributes     = 256
	maxAttributeBytes = 4 << 10
	maxNameBytes      = 256 // of a name, an id, an address
)

var (
	errManyScopes     = fmt.Errorf("the request has more than %d scopes or %d bytes of them", maxScopes, maxScopeBytes)
	errManyAttributes = fmt.Errorf("the owner has more than %d attributes", maxAttributes)
	errLongAttribute  = fmt.Errorf("the owner has an attribute of more than %d bytes", maxAttributeBytes)
	errLongName       = errors.New("the user name, the realm, the client's id or the address is too long")
)

// environment is filled as far as the expression reads it.
func (e *expression) environment(s *journey.State) (*environment, error) {
	env := &environment{Realm: s.Realm(), Address: s.Address(), AuthLevel: s.AuthLevel()}
	env.Username, _ = s.Username()
	if client := s.Client(); client != nil {
		env.Client = clientView{ID: client.ID, Public: client.Public}
	}
	if max(len(env.Username), len(env.Realm), len(env.Address), len(env.Client.ID)) > maxNameBytes {
		return nil, errLongName
	}
	if e.reads["scopes"] {
		if err := env.fillScopes(s); err != nil {
			return nil, err
		}
	}
	if e.reads["owner"] || e.reads["attributes"] {
		if err := env.fillOwner(s); err != nil {
			return nil, err
		}
	}
	if e.reads["now"] {
		env.fillNow(s)
	}
	return env, nil
}

func (env *environment) fillScopes(s *journey.State) error {
	env.Scopes = s.Scopes()
	total := 0
	for _, scope := range env.Scopes {
		total += len(scope)
	}
	if len(env.Scopes) > maxScopes || total > maxScopeBytes {
		return errManyScopes
	}
	return nil
}

func (env *environment) fillOwner(s *journey.State) error {
	if user := s.User(); user != nil {
		env.Owner = ownerView{Exists: true, Enabled: user.Enabled, Expired: user.Expired(s.Now())}
	}
	env.Attributes = s.Attributes()
	if len(env.Attributes) > maxAttributes {
		return errManyAttributes
	}
	for _, value := range env.Attributes {
		if len(value) > maxAttributeBytes {
			return errLongAttribute
		}
	}
	return nil
}

func (env *environment) fillNow(s *journey.State) {
	now := s.Now().UTC()
	env.Now = clock{
		Hour:    now.Hour(),
		Weekday: (int(now.Weekday())+6)%7 + 1,
		Date:    now.Format("2006-01-02"),
		Time:    now.Format("15:04"),
	}
}

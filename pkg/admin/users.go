package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// User is a resource owner as administrators see it.
type User struct {
	Realm        string            `json:"realm"`
	ID           string            `json:"id"`
	Username     string            `json:"username"`
	Enabled      bool              `json:"enabled"`
	Expires      *time.Time        `json:"expires"` // null: never
	Attributes   map[string]string `json:"attributes"`
	HasPassword  bool              `json:"has_password"`
	PasswordSet  *time.Time        `json:"password_set"`     // null: not known
	SecondFactor bool              `json:"second_factor"`    // one-time codes
	Source       string            `json:"source,omitempty"` // the outside source that made it
	Logins       int               `json:"logins"`           // that journeys have counted
	LockedUntil  *time.Time        `json:"locked_until"`     // null: not locked
	Stopped      bool              `json:"stopped"`          // by too many failures in a row: only unlocking helps
	Failures     int               `json:"failures"`         // in a row
	LastLogin    *time.Time        `json:"last_login"`       // null: never
	Created      *time.Time        `json:"created"`
	Places       []Place           `json:"places,omitempty"` // where failures elsewhere don't count; only in user/show
}

// UserRef names a user, by user name or by id.
type UserRef struct {
	InRealm
	Username string `json:"username,omitempty"`
	ID       string `json:"id,omitempty"`
}

// NewUser asks for a user. Of Password and PasswordHash at most one is there; without them nobody can log in.
type NewUser struct {
	InRealm
	Username     string            `json:"username"`
	ID           string            `json:"id,omitempty"` // a UUID if empty
	Password     string            `json:"password,omitempty"`
	PasswordHash string            `json:"password_hash,omitempty"` // imported
	Expires      Moment            `json:"expires"`
	Attributes   map[string]string `json:"attributes"`
	Disabled     bool              `json:"disabled"`
	IfAbsent     bool              `json:"if_absent"` // no error if there is one already; it stays as it is
}

// UserChange asks for other settings. Nil fields stay as they are; an attribute without a value is removed.
type UserChange struct {
	UserRef
	Expires    *Moment           `json:"expires,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// PasswordChange asks for a new password, or takes one over as a hash.
type PasswordChange struct {
	UserRef
	Password     string `json:"password,omitempty"`
	PasswordHash string `json:"password_hash,omitempty"`
}

// UserAnswer is a user after a change.
type UserAnswer struct {
	User
	Unchanged bool `json:"unchanged,omitempty"` // it was there already
}

func describeUser(u *realm.User, p realm.Lockout) User {
	out := User{
		Realm: u.Realm, ID: u.ID, Username: u.Username, Enabled: u.Enabled, Expires: moment(u.Expires),
		Attributes: u.Attributes, HasPassword: u.PasswordHash != "", PasswordSet: moment(u.PasswordSet), Source: u.Source,
		SecondFactor: len(u.Seed) > 0, Logins: u.Login.Logins,
		Stopped:  stopped(&u.Login, p),
		Failures: u.Login.Consecutive, LastLogin: moment(u.Login.LastLogin), Created: moment(u.Created),
	}
	if out.Attributes == nil {
		out.Attributes = map[string]string{}
	}
	out.LockedUntil = locked(&u.Login)
	return out
}

// stopped reports whether only unlocking helps.
func stopped(l *realm.Login, p realm.Lockout) bool {
	return p.StopAfter > 0 && l.Consecutive >= p.StopAfter
}

// locked is the end of a lock, nil if there is none now.
func locked(l *realm.Login) *time.Time {
	if time.Now().Before(l.LockedUntil) {
		return &l.LockedUntil
	}
	return nil
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// listUsers goes on behind damaged users, and says at the end how many there are.
func (a *api) listUsers(ctx context.Context, in InRealm) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		r, err := a.realm(in.Realm)
		if err != nil {
			yield(User{}, err)
			return
		}
		damaged := 0
		for u, err := range a.Store.Users(ctx, r.Path.Key()) {
			if errors.Is(err, storage.ErrDamaged) {
				damaged++
				continue
			}
			if err != nil {
				yield(User{}, err)
				return
			}
			if !yield(describeUser(u, r.Lockout), nil) {
				return
			}
		}
		if damaged > 0 {
			yield(User{}, refuse(CodeInternal, "the store holds a damaged value: %d of the users can't be read and are not listed; "+
				"ropcd doctor names the keys, ropcd user delete removes such a user", damaged))
		}
	}
}

// found is a user with the policy of the realm, which tells how it stands.
type found struct {
	*realm.User
	policy realm.Lockout
}

// user finds a user by name or id, and names it in the trail.
func (a *api) user(ctx context.Context, in UserRef, t *trail) (found, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return found{}, err
	}
	var u *realm.User
	switch {
	case (in.Username == "") == (in.ID == ""):
		return found{}, refuse(CodeInvalid, "name the user by username or by id")
	case in.ID != "":
		u, err = a.Store.UserByID(ctx, r.Path.Key(), in.ID)
	default:
		name, ok := realm.Username(in.Username)
		if !ok {
			return found{}, refuse(CodeNotFound, "%q can't be a user name", in.Username)
		}
		u, err = a.Store.UserByName(ctx, r.Path.Key(), name)
	}
	if err != nil {
		return found{}, userError(err, in)
	}
	t.Realm, t.Username, t.Subject = string(r.Path), u.Username, u.ID
	return found{u, r.Lockout}, nil
}

func userError(err error, in UserRef) error {
	if errors.Is(err, storage.ErrNotFound) {
		return refuse(CodeNotFound, "there is no user %q in realm %s", in.Username+in.ID, in.Realm)
	}
	return fmt.Errorf("user: %w", err)
}

func (a *api) showUser(ctx context.Context, in UserRef) (User, error) {
	u, err := a.user(ctx, in, &trail{})
	if err != nil {
		return User{}, err
	}
	shown := describeUser(u.User, u.policy)
	shown.Places, err = a.places(ctx, u)
	return shown, err
}

func (a *api) createUser(ctx context.Context, in NewUser, t *trail) (UserAnswer, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return UserAnswer{}, err
	}
	name, ok := realm.Username(in.Username)
	switch {
	case !ok:
		return UserAnswer{}, refuse(CodeInvalid, "%q can't be a user name (RFC 8265 section 3.3)", in.Username)
	case in.ID != "" && !printable(in.ID):
		return UserAnswer{}, refuse(CodeInvalid, "a user's id has 1 to 255 printable ASCII characters")
	}
	if err := checkAttributes(in.Attributes); err != nil {
		return UserAnswer{}, err
	}
	t.Realm, t.Username = string(r.Path), name
	if answer, err := a.existingUser(ctx, r, name, in, t); !errors.Is(err, storage.ErrNotFound) {
		return answer, err
	}
	hash, err := a.passwordHash(ctx, in.Password, in.PasswordHash, true)
	if err != nil {
		return UserAnswer{}, err
	}
	u := &realm.User{
		Realm: r.Path.Key(), ID: in.ID, Username: name, PasswordHash: hash, Enabled: !in.Disabled, Expires: in.Expires.Time,
		Attributes: in.Attributes, Created: time.Now().UTC().Truncate(time.Millisecond),
	}
	if u.ID == "" {
		u.ID = uuid.NewString()
	}
	if in.Password != "" {
		u.PasswordSet = u.Created
	}
	t.Subject = u.ID
	err = a.Store.CreateUser(ctx, u)
	if errors.Is(err, storage.ErrExists) { // made in between, or the id is taken
		answer, err := a.existingUser(ctx, r, name, in, t)
		if errors.Is(err, storage.ErrNotFound) {
			return UserAnswer{}, refuse(CodeExists, "the id %q is another user's", u.ID)
		}
		return answer, err
	}
	if err != nil {
		return UserAnswer{}, fmt.Errorf("create user: %w", err)
	}
	return UserAnswer{User: describeUser(u, r.Lockout)}, nil
}

// existingUser answers for a user that is there already; storage.ErrNotFound if none has the name.
func (a *api) existingUser(ctx context.Context, r *ropc.Realm, name string, in NewUser, t *trail) (UserAnswer, error) {
	old, err := a.Store.UserByName(ctx, r.Path.Key(), name)
	switch {
	case err != nil:
		return UserAnswer{}, fmt.Errorf("user: %w", err)
	case !in.IfAbsent:
		return UserAnswer{}, refuse(CodeExists, "the user %q is there already", name)
	}
	t.unchanged = true
	return UserAnswer{User: describeUser(old, r.Lockout), Unchanged: true}, nil
}

// checkAttributes bounds what a record has to hold.
func checkAttributes(attributes map[string]string) error {
	if len(attributes) > realm.MaxAttributes {
		return refuse(CodeInvalid, "a user has at most %d attributes", realm.MaxAttributes)
	}
	for k, v := range attributes {
		if k == "" || len(k) > realm.MaxAttribute || len(v) > realm.MaxAttribute {
			return refuse(CodeInvalid, "an attribute has a name, and it and its value have at most %d bytes", realm.MaxAttribute)
		}
	}
	return nil
}

// passwordHash is what is kept of a password, or an imported hash that can be verified.
func (a *api) passwordHash(ctx context.Context, password, imported string, mayBeNone bool) (string, error) {
	switch {
	case password != "" && imported != "":
		return "", refuse(CodeInvalid, "a password or a hash of one, not both")
	case password != "":
		return a.hash(ctx, password)
	case imported != "":
		if err := a.Passwords.Check(imported); err != nil {
			return "", refuse(CodeInvalid, "the password's hash can't be verified: %v", err)
		}
		return imported, nil
	case mayBeNone:
		return "", nil
	}
	return "", refuse(CodeInvalid, "the password is missing")
}

// alterUser reads a user, lets f change it, and writes it, again if others did so in between.
func (a *api) alterUser(ctx context.Context, in UserRef, t *trail, end bool, f func(*realm.User) error) (UserAnswer, error) {
	for range attempts {
		u, err := a.user(ctx, in, t)
		if err != nil {
			return UserAnswer{}, err
		}
		if err := f(u.User); err != nil {
			return UserAnswer{}, err
		}
		err = a.Store.UpdateUser(ctx, u.User, end)
		if errors.Is(err, storage.ErrConflict) {
			continue
		}
		if err != nil {
			return UserAnswer{}, userError(err, in)
		}
		return UserAnswer{User: describeUser(u.User, u.policy)}, nil
	}
	return UserAnswer{}, storage.ErrConflict
}

func (a *api) updateUser(ctx context.Context, in UserChange, t *trail) (UserAnswer, error) {
	return a.alterUser(ctx, in.UserRef, t, false, func(u *realm.User) error {
		if in.Expires != nil {
			u.Expires = in.Expires.Time
		}
		for k, v := range in.Attributes {
			if u.Attributes == nil {
				u.Attributes = map[string]string{}
			}
			u.Attributes[k] = v
			if v == "" {
				delete(u.Attributes, k)
			}
		}
		return checkAttributes(u.Attributes)
	})
}

// enableUser also clears the account of attempts: who is let in again should be able to log in.
func (a *api) enableUser(ctx context.Context, in UserRef, t *trail) (UserAnswer, error) {
	if _, err := a.alterUser(ctx, in, t, false, func(u *realm.User) error { u.Enabled = true; return nil }); err != nil {
		return UserAnswer{}, err
	}
	return a.unlockUser(ctx, in, t)
}

func (a *api) disableUser(ctx context.Context, in UserRef, t *trail) (UserAnswer, error) {
	return a.alterUser(ctx, in, t, true, func(u *realm.User) error { u.Enabled = false; return nil })
}

func (a *api) setPassword(ctx context.Context, in PasswordChange, t *trail) (UserAnswer, error) {
	hash, err := a.passwordHash(ctx, in.Password, in.PasswordHash, false)
	if err != nil {
		return UserAnswer{}, err
	}
	return a.alterUser(ctx, in.UserRef, t, true, func(u *realm.User) error {
		u.PasswordHash, u.PasswordSet = hash, time.Time{}
		if in.Password != "" {
			u.PasswordSet = time.Now().UTC().Truncate(time.Millisecond)
		}
		return nil
	})
}

func (a *api) unlockUser(ctx context.Context, in UserRef, t *trail) (UserAnswer, error) {
	u, err := a.user(ctx, in, t)
	if err != nil {
		return UserAnswer{}, err
	}
	if err := a.Store.UnlockUser(ctx, u.Realm, u.Username); err != nil {
		return UserAnswer{}, userError(err, in)
	}
	if u, err = a.user(ctx, in, t); err != nil {
		return UserAnswer{}, err
	}
	return UserAnswer{User: describeUser(u.User, u.policy)}, nil
}

// deleteUser also removes a user that can't be read, if it is named by user name.
func (a *api) deleteUser(ctx context.Context, in UserRef, t *trail) (Nothing, error) {
	u, err := a.user(ctx, in, t)
	if name, ok := realm.Username(in.Username); ok && errors.Is(err, storage.ErrDamaged) {
		r, err := a.realm(in.Realm)
		if err != nil {
			return Nothing{}, err
		}
		t.Realm, t.Username = string(r.Path), name
		u.User = &realm.User{Realm: r.Path.Key(), Username: name}
	} else if err != nil {
		return Nothing{}, err
	}
	if err := a.Store.DeleteUser(ctx, u.Realm, u.Username); err != nil {
		return Nothing{}, userError(err, in)
	}
	return Nothing{}, nil
}

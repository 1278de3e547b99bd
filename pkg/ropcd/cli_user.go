package ropcd

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropcd/ropcd/pkg/admin"
)

func userCommand(c *cli) *cobra.Command {
	return group("user", "Manage the users (resource owners) of a realm",
		createUserCommand(c), listUsersCommand(c), showUserCommand(c), updateUserCommand(c), setPasswordCommand(c),
		userVerb(c, "enable", "Let a user in again; also clears failures and locks"),
		userVerb(c, "disable", "Keep a user out, and end the user's grants"),
		userVerb(c, "unlock", "Clear a user's failures and locks"),
		deleteUserCommand(c), migrationCommand(c), totpCommand(c),
	)
}

func createUserCommand(c *cli) *cobra.Command {
	in, attributes, fromStdin := admin.NewUser{}, []string(nil), stdinPassword{}
	cmd := &cobra.Command{
		Use: "create", Short: "Make a user",
		Example: "  ropcd user create --realm alpha --username demo --password-stdin --attribute mail=demo@example.com < password",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if in.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			if err := need(cmd, "username"); err != nil {
				return err
			}
			if in.Attributes, err = keyValues(attributes); err != nil {
				return err
			}
			if in.Password, in.PasswordHash, err = fromStdin.read(c); err != nil {
				return err
			}
			return ask(cmd.Context(), c, "user/create", in, c.userAnswer)
		},
	}
	cmd.Flags().StringVar(&in.Username, "username", "", "the user name, in any spelling")
	cmd.Flags().StringVar(&in.ID, "id", "", "the subject of tokens, which never changes (a UUID if left out)")
	cmd.Flags().StringArrayVar(&attributes, "attribute", nil, "name=value (repeat it for more)")
	cmd.Flags().TextVar(&in.Expires, "expires", admin.Moment{}, "the `time` when the account ends: 2027-01-31, RFC 3339, or never")
	cmd.Flags().BoolVar(&in.Disabled, "disabled", false, "make it disabled")
	cmd.Flags().BoolVar(&in.IfAbsent, "if-absent", false, "no error if there is one already; it stays as it is")
	fromStdin.add(cmd)
	return cmd
}

// stdinPassword is what comes by standard input: a password, or a hash of one.
type stdinPassword struct{ password, hash bool }

func (s *stdinPassword) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.password, "password-stdin", false, "read the password from standard input")
	cmd.Flags().BoolVar(&s.hash, "password-hash-stdin", false, "read a hash of the password from standard input (argon2id, bcrypt, scrypt, PBKDF2)")
}

func (s *stdinPassword) read(c *cli) (password, hash string, err error) {
	switch {
	case s.password && s.hash:
		return "", "", setupError{errors.New("--password-stdin or --password-hash-stdin, not both")}
	case s.password:
		password, err = c.secretFromStdin("password")
	case s.hash:
		hash, err = c.secretFromStdin("password's hash")
	}
	return password, hash, err
}

func keyValues(list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, kv := range list {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, setupError{fmt.Errorf("--attribute is name=value, not %q", kv)}
		}
		out[k] = v
	}
	return out, nil
}

func (c *cli) userAnswer(w io.Writer, a admin.UserAnswer) {
	if a.Unchanged {
		fmt.Fprintln(c.stderr, "ropcd: the user is there already and stays as it is")
	}
	if !a.HasPassword && a.Enabled {
		fmt.Fprintln(c.stderr, "ropcd: warning: the user has no password and can't log in; `ropcd user set-password` gives one")
	}
	showUser(w, a.User)
}

func listUsersCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the users of a realm", Example: "  ropcd user list --realm alpha --output jsonl",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := c.inRealm()
			if err != nil {
				return err
			}
			return list(cmd.Context(), c, "user/list", in, "username\tid\tenabled\tlocked until\tfailures\tlast login", func(u admin.User) []any {
				return []any{u.Username, u.ID, u.Enabled, lockedUntil(u), u.Failures, u.LastLogin}
			})
		},
	}
}

// userRef adds --username and --id to a command that names a user.
func userRef(c *cli, cmd *cobra.Command, run func(cmd *cobra.Command, in admin.UserRef) error) *cobra.Command {
	in := admin.UserRef{}
	cmd.Flags().StringVar(&in.Username, "username", "", "the user name, in any spelling")
	cmd.Flags().StringVar(&in.ID, "id", "", "the user's id, instead of the name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if in.InRealm, err = c.inRealm(); err != nil {
			return err
		}
		if (in.Username == "") == (in.ID == "") {
			return setupError{errors.New("name the user by --username or by --id")}
		}
		return run(cmd, in)
	}
	return cmd
}

func showUserCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "show", Short: "Show a user", Example: "  ropcd user show --realm alpha --username demo"}
	return userRef(c, cmd, func(cmd *cobra.Command, in admin.UserRef) error {
		return ask(cmd.Context(), c, "user/show", in, func(w io.Writer, u admin.User) {
			showUser(w, u)
			showPlaces(w, u.Places)
		})
	})
}

func updateUserCommand(c *cli) *cobra.Command {
	attributes, expires := []string(nil), admin.Moment{}
	cmd := &cobra.Command{
		Use: "update", Short: "Change attributes or the end of a user; what is not named stays",
		Example: "  ropcd user update --realm alpha --username demo --attribute mail=new@example.com --expires 2027-01-31",
	}
	cmd.Flags().StringArrayVar(&attributes, "attribute", nil, "name=value, or name= to remove it (repeat it for more)")
	cmd.Flags().TextVar(&expires, "expires", admin.Moment{}, "the `time` when the account ends: 2027-01-31, RFC 3339, or never")
	return userRef(c, cmd, func(cmd *cobra.Command, ref admin.UserRef) (err error) {
		in := admin.UserChange{UserRef: ref}
		if err := needChange(cmd); err != nil {
			return err
		}
		if in.Attributes, err = keyValues(attributes); err != nil {
			return err
		}
		changed(cmd.Flags(), "expires", &in.Expires, &expires)
		return ask(cmd.Context(), c, "user/update", in, c.userAnswer)
	})
}

func setPasswordCommand(c *cli) *cobra.Command {
	fromStdin := stdinPassword{}
	cmd := &cobra.Command{
		Use: "set-password", Short: "Give a user a new password, and end the user's grants",
		Example: "  ropcd user set-password --realm alpha --username demo --password-stdin < password",
	}
	fromStdin.add(cmd)
	return userRef(c, cmd, func(cmd *cobra.Command, ref admin.UserRef) (err error) {
		in := admin.PasswordChange{UserRef: ref}
		if !fromStdin.password && !fromStdin.hash {
			return setupError{errors.New("--password-stdin is missing: passwords are never arguments")}
		}
		if in.Password, in.PasswordHash, err = fromStdin.read(c); err != nil {
			return err
		}
		return ask(cmd.Context(), c, "user/set-password", in, c.userAnswer)
	})
}

func userVerb(c *cli, verb, short string) *cobra.Command {
	cmd := &cobra.Command{Use: verb, Short: short, Example: "  ropcd user " + verb + " --realm alpha --username demo"}
	return userRef(c, cmd, func(cmd *cobra.Command, in admin.UserRef) error {
		return ask(cmd.Context(), c, "user/"+verb, in, c.userAnswer)
	})
}

func deleteUserCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete", Short: "Remove a user, and end the user's grants", Example: "  ropcd user delete --realm alpha --username demo",
		Long: "Remove a user, and end the user's grants. Named by --username, a user whose record is damaged is removed too.",
	}
	return userRef(c, cmd, func(cmd *cobra.Command, in admin.UserRef) error {
		return ask(cmd.Context(), c, "user/delete", in, func(w io.Writer, _ admin.Nothing) { pairs(w, "deleted", in.Username+in.ID) })
	})
}

func migrationCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "migration", Short: "Tell how many users still need the outside source that they came from",
		Example: "  ropcd user migration --realm alpha",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := c.inRealm()
			if err != nil {
				return err
			}
			return ask(cmd.Context(), c, "user/migration", in, showMigration)
		},
	}
}

func showMigration(w io.Writer, r admin.MigrationReport) {
	fmt.Fprintln(w, "SOURCE\tUSERS\tMIGRATED\tPENDING\tLAST LOGIN OF A PENDING ONE")
	for _, m := range r.Sources {
		source := m.Source
		if source == "" {
			source = "made here"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\n", visible(source), m.Users, m.Migrated, m.Pending, visible(m.LastLogin))
	}
}

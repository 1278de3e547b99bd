package ropcd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

func totpCommand(c *cli) *cobra.Command {
	remove := &cobra.Command{
		Use: "remove", Short: "Take a user's second factor away; the user's grants stay",
		Example: "  ropcd user totp remove --realm alpha --username demo",
	}
	return group("totp", "Manage the second factor of users: one-time codes (RFC 6238)",
		enrolCommand(c),
		userRef(c, remove, func(cmd *cobra.Command, in admin.UserRef) error {
			return ask(cmd.Context(), c, "user/totp/remove", in, showSecondFactor)
		}),
		resealCommand(c),
	)
}

func enrolCommand(c *cli) *cobra.Command {
	in, secretStdin, codes := admin.Enrolment{}, false, nodes.NewOATHTokenVerifier()
	cmd := &cobra.Command{
		Use: "enrol", Aliases: []string{"enroll"}, Short: "Give a user a second factor; its QR code and secret are shown once",
		Long: "Give a user a second factor: one-time codes of an authenticator. Its QR code and secret are shown once; the user's\n" +
			"grants stay. --digits, --period and --algorithm must be those of the OATHTokenVerifier nodes of the realm's journeys;\n" +
			"what is left out is the same on both sides. Many authenticators know SHA1 with 6 digits and 30s only.",
		Example: "  ropcd user totp enrol --realm alpha --username demo --issuer Example",
	}
	flags := cmd.Flags()
	flags.StringVar(&in.Issuer, "issuer", "", "the name that the authenticator shows (the realm's if left out)")
	flags.IntVar(&in.Digits, "digits", codes.Digits, "how many digits a code has, 6 or 8")
	flags.TextVar(&in.Period, "period", admin.Lifetime(codes.Period), "the `duration` of a code, 15s to 5m")
	flags.StringVar(&in.Algorithm, "algorithm", codes.Algorithm, "SHA1, SHA256 or SHA512")
	flags.BoolVar(&secretStdin, "secret-stdin", false, "read the secret in base32 from standard input, for an authenticator that has it")
	flags.BoolVar(&in.Replace, "replace", false, "replace the second factor that is there already")
	return userRef(c, cmd, func(cmd *cobra.Command, ref admin.UserRef) (err error) {
		in.UserRef = ref
		if secretStdin {
			if in.Secret, err = c.secretFromStdin("secret"); err != nil {
				return err
			}
		}
		return ask(cmd.Context(), c, "user/totp/enrol", in, c.showEnrolled)
	})
}

// showEnrolled is for the user to photograph or type, and for nobody to keep.
func (c *cli) showEnrolled(w io.Writer, e admin.Enrolled) {
	if err := drawQR(w, e.URL, screenOf(c.stdout)); err != nil {
		fmt.Fprintf(c.stderr, "ropcd: warning: %v; the secret can be typed instead\n", err)
	}
	fmt.Fprintf(w, "url\t%s  (shown this once)\n", e.URL)
	once(w, e.Secret)
	pairs(w, "username", e.User.Username, "id", e.User.ID, "realm", e.User.Realm)
}

func showSecondFactor(w io.Writer, a admin.UserAnswer) {
	pairs(w, "username", a.Username, "id", a.ID, "realm", a.Realm, "second_factor", a.SecondFactor)
}

func resealCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "reseal", Short: "Seal the secrets of all users anew under the first system secret, so that the others can go",
		Example: "  ropcd user totp reseal --realm alpha",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := c.inRealm()
			if err != nil {
				return err
			}
			return ask(cmd.Context(), c, "user/totp/reseal", in, func(w io.Writer, r admin.Resealed) {
				if r.Unreadable > 0 {
					fmt.Fprintf(c.stderr, "ropcd: warning: %d can't be read: damaged, or sealed under a system secret that is not listed\n", r.Unreadable)
				}
				pairs(w, "resealed", r.Resealed, "current", r.Current, "unreadable", r.Unreadable)
			})
		},
	}
}

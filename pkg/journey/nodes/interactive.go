package nodes

import (
	"context"
	"strings"

	"github.com/ropcd/ropcd/pkg/journey"
)

// interactiveTypes are AM's node types that talk with their user, by the names that AM exports them with. A journey with
// one of them loads, with whatever settings and outcomes it has, and is refused when it is chosen. The names without
// "Node" are known too.
var interactiveTypes = []string{
	"AcceptTermsAndConditionsNode",
	"AnonymousSessionUpgradeNode",
	"AttributeCollectorNode",
	"ChoiceCollectorNode",
	"CombinedMFARegistrationNode",
	"ConsentNode",
	"CreatePasswordNode",
	"DeviceBindingNode",
	"DeviceProfileCollectorNode",
	"DeviceSigningVerifierNode",
	"DisplayUserNameNode",
	"EmailSuspendNode",
	"GetAuthenticatorAppNode",
	"KbaCreateNode",
	"KbaVerifyNode",
	"MessageNode",
	"MultiFactorRegistrationOptionsNode",
	"OathRegistrationNode",
	"OathTokenVerifierNode",
	"OneTimePasswordCollectorDecisionNode",
	"OptOutMultiFactorAuthenticationNode",
	"PollingWaitNode",
	"PushAuthenticationSenderNode",
	"PushRegistrationNode",
	"PushResultVerifierNode",
	"RecoveryCodeCollectorDecisionNode",
	"RecoveryCodeDisplayNode",
	"SelectIdPNode",
	"SocialFacebookNode",
	"SocialGoogleNode",
	"SocialNode",
	"SocialOpenIdConnectNode",
	"SocialProviderHandlerNode",
	"TermsAndConditionsDecisionNode",
	"ValidatedPasswordNode",
	"ValidatedUsernameNode",
	"WebAuthnAuthenticationNode",
	"WebAuthnRegistrationNode",
	"product-ReCaptchaNode",
	"product-Saml2Node",

	"PushSender", // as its page in AM's documentation is called
}

// addInteractive leaves the types alone that the table has already.
func addInteractive(types journey.Types) {
	for _, full := range interactiveTypes {
		for _, name := range []string{full, strings.TrimSuffix(full, "Node")} {
			if _, ok := types[name]; !ok {
				types[name] = func() journey.Settings { return interaction{} }
			}
		}
	}
}

// interaction is the settings and the node of each of them.
type interaction struct{}

func (interaction) Outcomes() []string                       { return nil }
func (interaction) Interactive() bool                        { return true }
func (i interaction) Open(journey.Env) (journey.Node, error) { return i, nil }
func (interaction) Run(context.Context, *journey.State) (string, error) {
	return "", journey.ErrInteractive
}

package journey

import (
	"context"
	"log/slog"
)

// Types is the table of node types: the settings struct is the factory. A factory returns a pointer to a new struct,
// which may already hold defaults.
type Types map[string]func() Settings

// Settings is a node type, or rather one node's settings of it. It may also be a [PasswordReader], [ParameterReader],
// [SeedReader], [Verifier], [Collector], [Gatherer], [Page], [Inner], [LoopBound] or [Interactive]; it is asked after decoding, so that
// the answers may depend on the settings.
type Settings interface {
	// Outcomes are all outcomes that the node can have. It is also asked of settings that could not be decoded: a
	// type whose outcomes depend on its settings answers none for empty ones.
	Outcomes() []string
	// Open validates the settings and makes the node. The error's text is shown to the operator.
	Open(env Env) (Node, error)
}

// Node is one decision or action. It serves any number of runs at once, so what belongs to one run lives in its State. A
// Node that is an io.Closer is closed with its [Set].
type Node interface {
	// Run answers with one of the outcomes that the settings declared. An error is a fault (of ours, or of a system
	// that was asked), never a "no": it ends the run without a decision. It must not hold a secret.
	Run(ctx context.Context, s *State) (outcome string, err error)
}

// PasswordReader is what Settings of a node implement that reads the password: [State.Password], [State.Verify] and
// [State.VerifyWith] are closed to all others.
type PasswordReader interface{ ReadsPassword() bool }

// SeedReader is what Settings of a node implement that judges one-time codes: [State.VerifyCode] is closed to all others.
type SeedReader interface{ ReadsSeed() bool }

// Verifier is what Settings of a node implement that verifies a credential: Verifies are the outcomes after which one
// certainly was. Build holds that every way to success passes one. It promises, and proves nothing: what counts in a run is
// what a source said.
type Verifier interface{ Verifies() []string }

// ParameterReader is what Settings of a node implement that reads parameters of the request, such as "totp".
// [State.Parameter] is closed to all names that a node does not declare. The names of the protocol's own parameters are
// refused.
type ParameterReader interface{ Parameters() []string }

// Collector is what Settings of a node implement that may stand on a page. A collector has exactly one outcome.
type Collector interface{ Collects() bool }

// Gatherer is what Settings of a node implement that collects credentials: which, on its way to any outcome. A journey that
// asks about credentials nobody has collected is warned about.
type Gatherer interface {
	Gathers() (username, password bool)
}

// Page is what Settings of a node implement that is made of collectors. Build calls OpenPage instead of Open, with the
// page's collectors in order; each of them keeps its own rights.
type Page interface {
	OpenPage(env Env, collectors []Node) (Node, error)
}

// Inner is what Settings of a node implement that runs another journey of the realm: [Env.Inner] knows that one alone.
// success is the outcome that means that it succeeded.
type Inner interface {
	InnerJourney() (name, success string)
}

// LoopBound is what Settings of a node implement that lets a run pass only so often. A loop without one is refused.
type LoopBound interface{ BoundsLoop() bool }

// Interactive is what Settings of a node implement that has to talk with its user, which no request of this grant can.
// A journey with one loads, but never runs. Its settings are not decoded, and if it declares no outcomes it may have any.
type Interactive interface{ Interactive() bool }

// Env is what a node may use of the world besides its State.
type Env struct {
	// Inner is the journey that the node's settings name, see [Inner]; nil for any other. It answers once Build has
	// returned: ask when the node runs, not when it opens. Build sets it.
	Inner func(name string) *Journey
	// File reads a file that settings name, relative to the configuration's folder; nil: there are no files. The error is
	// for the operator.
	File func(path string) ([]byte, error)
	// Secret is File for what nobody else may read: the file must not be open to others. One newline at its end is dropped.
	Secret func(path string) (string, error)
	// Logger is never nil in Open. Log no secrets, and do not log an error that is returned.
	Logger *slog.Logger
}

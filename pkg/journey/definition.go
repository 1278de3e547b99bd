package journey

// The two ends of every journey. No node may take their names.
const (
	Success = "success"
	Failure = "failure"
)

// Definition is a journey as configured.
type Definition struct {
	Enabled   bool
	InnerOnly bool // runs only inside other journeys
	// AllowUnverified lets the journey succeed, and a token follow, without any credential having been verified.
	AllowUnverified bool
	Entry           string
	Nodes           map[string]NodeDefinition
}

// NodeDefinition is a node as configured.
type NodeDefinition struct {
	Type string
	// Settings decodes the node's settings strictly into a pointer to a struct; nil: none were given. It may be called
	// at any time until Build returns. Its error's text is shown as it is.
	Settings func(into any) error
	Outcomes map[string]string // outcome -> id of a node, or Success, or Failure
	Next     string            // for a node with a single outcome, instead of Outcomes
	Nodes    []NodeDefinition  // of a page: its collectors, of which only Type and Settings are set
}

// Problem is something wrong with a journey.
type Problem struct {
	// Path leads to it below the realm's journeys, for example
	// ["PasswordGrant", "nodes", "check", "outcomes", "true"]. What is missing is reported on what should hold it.
	// The elements of a list are numbered from "0".
	Path    []string
	Message string
	Warning bool // the journey works all the same
}

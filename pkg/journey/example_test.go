package journey_test

import (
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// The request's auth_chain would win, but it has none; the provider's setting is AM's word for "unset".
func ExampleSelect() {
	name, rule := journey.Select("", "[Empty]", "PasswordGrant")
	fmt.Println(name, rule)
	// Output: PasswordGrant realm
}

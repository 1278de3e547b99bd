package password_test

import (
	"context"
	"fmt"

	"github.com/ropcd/ropcd/pkg/password"
)

// One login: a place first, then the work, and a new form when the stored one
// is old.
func Example() {
	passwords, err := password.NewSet(password.Argon2id{Memory: 64, Iterations: 1}, password.Bcrypt{})
	if err != nil {
		panic(err)
	}
	pool := password.NewPool(password.PoolOptions{})
	defer pool.Close()

	stored := "$2b$04$abcdefghijklmnopqrstuuJnrTgLUxUAEMRLF3KaO4WIEb54ZvXHa" // imported
	for range 2 {
		ticket, err := pool.Admit("client-1")
		if err != nil {
			panic(err) // 503: nothing was evaluated
		}
		var ok bool
		var rehash string
		var verr error
		if err := ticket.Do(context.Background(), func() {
			ok, rehash, verr = passwords.Verify("perl", stored)
		}); err != nil {
			panic(err) // the caller hung up
		}
		ticket.Release()
		if verr != nil {
			panic(verr) // 500: the stored hash is damaged
		}
		fmt.Println(ok, rehash != "")
		if rehash != "" {
			stored = rehash
		}
	}
	// Output:
	// true true
	// true false
}

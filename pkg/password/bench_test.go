package password_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
)

// BenchmarkVerify takes the parameters that new hashes get by default.
func BenchmarkVerify(b *testing.B) {
	for _, h := range []password.Hasher{password.Argon2id{}, password.Bcrypt{}, password.Scrypt{}, password.PBKDF2{}, password.PBKDF2{Digest: "sha512"}} {
		encoded := mustHash(b, h, "secret")
		b.Run(encoded[1:12], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := h.Verify([]byte("secret"), encoded); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	s := set(b, hashers...)
	for _, h := range hashers {
		encoded := "{o}" + mustHash(b, h, "secret")
		b.Run(h.Name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Check(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAdmit has a queue of 1000 tickets in front, of so many clients.
func BenchmarkAdmit(b *testing.B) {
	for _, clients := range []int{1, 30, 1000} {
		b.Run(fmt.Sprint(clients, " clients"), func(b *testing.B) {
			p := password.NewPool(password.PoolOptions{Workers: 2, MaxWait: time.Hour, Cost: time.Millisecond})
			for i := range 1000 {
				defer admit(b, p, fmt.Sprint(i%clients)).Release()
			}
			b.ReportAllocs()
			for b.Loop() {
				admit(b, p, "newcomer").Release()
			}
		})
	}
}

func BenchmarkDo(b *testing.B) {
	p := password.NewPool(password.PoolOptions{})
	b.ReportAllocs()
	for b.Loop() {
		ticket := admit(b, p, "a")
		if err := ticket.Do(b.Context(), func() {}); err != nil {
			b.Fatal(err)
		}
		ticket.Release()
	}
}

// Ropcd is an OAuth 2.0 authorization server for the Resource Owner Password Credentials grant.
package main

import "github.com/ropcd/ropcd/pkg/ropcd"

func main() {
	ropcd.Main(ropcd.Options{})
}

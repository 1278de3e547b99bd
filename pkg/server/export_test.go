package server

import (
	"net/http"
	"net/url"
)

// ReadForm is the reader of forms, with the text of a refusal instead of the refusal.
func ReadForm(r *http.Request, known, secrets []string) (form url.Values, refused string) {
	form, f := readForm(r, known, secrets)
	if f != nil {
		return form, f.text
	}
	return form, ""
}

// TokenParameters are those of the token endpoint.
var TokenParameters = tokenParameters

// The limits of a form.
const (
	MaxBody       = maxBody
	MaxParameters = maxParameters
)

// Respond writes the answer to a grant.
func Respond(w http.ResponseWriter, access, refresh string) {
	x := exchange{w: w}
	x.write(http.StatusOK, tokens{AccessToken: access, RefreshToken: refresh, Scope: "write", TokenType: "Bearer", ExpiresIn: 3599})
}

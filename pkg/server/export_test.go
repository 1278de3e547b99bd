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

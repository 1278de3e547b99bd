package server

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxBody       = 16 << 10
	maxParameters = 64
	formType      = "application/x-www-form-urlencoded"
)

// secretParameters may not stand in a query, where logs and histories keep them.
var secretParameters = []string{"username", "password", "client_secret", "client_assertion", "refresh_token", "token", "totp"}

// readForm reads the parameters of a POST strictly (RFC 6749 section 3.2), from the body and the query together, and
// puts them into r.Form and r.PostForm for fosite. known are the parameters of the endpoint: each may be there once, all
// others are dropped. secrets may not be in the query, besides those that never may. One without a value is as good as
// absent.
func readForm(r *http.Request, known, secrets []string) (url.Values, *refusal) {
	body, refused := readBody(r)
	if refused != nil {
		return nil, refused
	}
	sent, refused := split(r.URL.RawQuery, body)
	if refused != nil {
		return nil, refused
	}
	form := url.Values{}
	secretInQuery := false
	for _, p := range sent {
		if p.value == "" || (p.name == "realm" && !p.query) {
			continue
		}
		if p.query && (slices.Contains(secretParameters, p.name) || slices.Contains(secrets, p.name)) {
			secretInQuery = true
		}
		if !slices.Contains(known, p.name) && !slices.Contains(secrets, p.name) {
			continue
		}
		if form.Has(p.name) {
			return nil, errRepeated
		}
		form.Set(p.name, p.value)
	}
	if secretInQuery {
		return nil, errSecretInQuery
	}
	r.Form, r.PostForm = form, form
	r.MultipartForm = &multipart.Form{} // so that fosite does not look at the body again, whatever its type
	return form, nil
}

// readBody is the body of a form, of at most maxBody bytes. An empty one needs no content type.
func readBody(r *http.Request) (string, *refusal) {
	if r.Body == nil || r.ContentLength == 0 {
		return "", nil
	}
	if r.ContentLength < 0 {
		return readChunks(r)
	}
	switch {
	case !isForm(r.Header.Values("Content-Type")):
		return "", errContentType
	case r.ContentLength > maxBody:
		return "", errTooLarge
	}
	b, err := io.ReadAll(r.Body) // which takes no memory for what is announced and does not come
	if err != nil || int64(len(b)) != r.ContentLength {
		return "", errMalformed
	}
	return string(b), nil
}

// readChunks is readBody for a length that is known at the end only, and may be 0.
func readChunks(r *http.Request) (string, *refusal) {
	body := bufio.NewReader(r.Body)
	_, err := body.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return "", nil
	case !isForm(r.Header.Values("Content-Type")):
		return "", errContentType
	case err != nil: // it is not there again when reading goes on
		return "", errMalformed
	}
	b, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return "", errMalformed
	}
	if len(b) > maxBody {
		return "", errTooLarge
	}
	return string(b), nil
}

// isForm accepts the one content type (RFC 6749 appendix B), whatever its parameters, but no other charset than UTF-8.
func isForm(contentType []string) bool {
	switch {
	case len(contentType) != 1:
		return false
	case contentType[0] == formType:
		return true
	}
	kind, parameters, err := mime.ParseMediaType(contentType[0])
	if kind != formType || (err != nil && strings.Contains(strings.ToLower(contentType[0]), "charset")) {
		return false // a charset that can't be read may be any
	}
	charset := parameters["charset"]
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

type parameter struct {
	name, value string
	query       bool
}

// split decodes both sources. It is its own, because url.ParseQuery refuses ";", which clients that don't encode their
// values send as it is.
func split(query, body string) ([]parameter, *refusal) {
	var sent []parameter
	for i, source := range []string{query, body} {
		if source == "" {
			continue
		}
		for pair := range strings.SplitSeq(source, "&") {
			if pair == "" {
				continue
			}
			if len(sent) == maxParameters {
				return nil, errTooMany
			}
			sent = append(sent, parameter{value: pair, query: i == 0})
		}
	}
	for i := range sent {
		name, value, _ := strings.Cut(sent[i].value, "=")
		var ok bool
		if sent[i].name, ok = unescape(name); !ok {
			return nil, errMalformed
		}
		if sent[i].value, ok = unescape(value); !ok {
			return nil, errMalformed
		}
	}
	return sent, nil
}

func unescape(s string) (string, bool) {
	out, err := url.QueryUnescape(s)
	return out, err == nil && utf8.ValidString(out)
}

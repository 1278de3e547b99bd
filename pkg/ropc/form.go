package ropc

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ory/fosite"
)

// credentials is what a password grant brings that nobody else may see.
type credentials struct {
	username   string
	password   string
	parameters url.Values // what the realm's journeys declare
}

// takeCredentials removes the user name, the password and what journeys declare from every form of the request, and
// gives them to the caller alone.
func takeCredentials(ctx context.Context, r fosite.Requester, declared []string) credentials {
	forms := []url.Values{r.GetRequestForm()}
	if req, ok := ctx.Value(fosite.RequestContextKey).(*http.Request); ok && req != nil {
		forms = append(forms, req.Form, req.PostForm)
		if req.MultipartForm != nil { // fosite takes these bodies too
			forms = append(forms, req.MultipartForm.Value)
		}
	}
	c := credentials{
		username: r.GetRequestForm().Get("username"),
		password: r.GetRequestForm().Get("password"),
	}
	for _, name := range declared {
		if v, ok := r.GetRequestForm()[name]; ok {
			if c.parameters == nil {
				c.parameters = url.Values{}
			}
			c.parameters[name] = v
		}
	}
	for _, form := range forms {
		form.Del("username")
		form.Del("password")
		for _, name := range declared {
			form.Del(name)
		}
	}
	return c
}

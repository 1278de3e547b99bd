package server_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/server"
)

// queryRefused may not stand in a query (section 2 of the contract), besides "pin", which the journey of these tests reads.
var queryRefused = []string{"username", "password", "client_secret", "client_assertion", "refresh_token", "token", "totp", "pin"}

// formTexts are all answers of a reader of forms (section 6 of the contract), in the order of the checks.
var formTexts = []string{
	"Invalid Content Type", "Request too large", "Too many parameters", "Malformed request body", "A parameter is repeated",
	"Parameters must be sent in the request body",
}

// FuzzForm compares the reader with net/url, which reads the same where there is no semicolon, and with the contract.
func FuzzForm(f *testing.F) {
	const kind = "application/x-www-form-urlencoded"
	for _, seed := range [][3]string{
		{kind, "", "grant_type=password&username=demo&password=a%26b+c"},
		{kind + "; charset=utf-8", "realm=alpha&scope=write", "username=a;b&password=%3B"},
		{kind + "; charset=latin1", "", "a=b"},
		{kind, "password=x", "scope=a&scope=b"},
		{kind, "", "scope=&scope=a&scope&scope=&realm=a&realm=b&pin=1"},
		{kind, "pin=1&x=%ff", strings.Repeat("&", 80)},
		{kind, "pin=1", "grant_type=password"},
		{kind, "", strings.Repeat("a&", 65)},
		{kind, "", strings.Repeat("a", server.MaxBody+1)},
		{"multipart/form-data; boundary=x", "", "--x"},
		{"", "grant_type=password", ""},
		{kind, "", "username=%00&password=%c3%28&a=%"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, contentType, query, body string) {
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{"Content-Type": {contentType}},
			Body: http.NoBody, ContentLength: -1,
		}
		if body != "" {
			r.Body = http.MaxBytesReader(nil, readCloser{strings.NewReader(body)}, 1<<30)
		}
		form, refused := server.ReadForm(r, server.TokenParameters, []string{"pin"})
		if refused != "" {
			if form != nil || r.Form != nil || r.PostForm != nil {
				t.Fatalf("refused (%s), but read %v", refused, form)
			}
			refusedRightly(t, refused, query, body)
			return
		}
		if diff := cmp.Diff([]url.Values{form, form}, []url.Values{r.Form, r.PostForm}); diff != "" {
			t.Errorf("fosite is given something else:\n%s", diff)
		}
		readRightly(t, form, query, body)
	})
}

// readRightly holds what a form that was read may be.
func readRightly(t *testing.T, form url.Values, query, body string) {
	t.Helper()
	if len(body) > server.MaxBody {
		t.Fatal("too large")
	}
	asked, sent := decode(t, query), decode(t, body)
	if n := count(query) + count(body); n > server.MaxParameters {
		t.Fatalf("%d parameters", n)
	}
	for _, name := range queryRefused {
		if asked[name] != nil {
			t.Errorf("%s is in the query", name)
		}
	}
	want := url.Values{}
	for _, name := range append(slices.Clone(server.TokenParameters), "pin") {
		values := asked[name]
		if name != "realm" { // section 1: that of a body is ignored
			values = append(values, sent[name]...)
		}
		if len(values) > 0 {
			want[name] = values
		}
	}
	if diff := cmp.Diff(want, form); diff != "" {
		t.Error(diff)
	}
	for name, values := range form {
		if len(values) != 1 || !utf8.ValidString(values[0]) {
			t.Errorf("%s: %q", name, values)
		}
	}
}

// refusedRightly holds that a refusal has one of the texts, and, of two of them, its cause.
func refusedRightly(t *testing.T, refused, query, body string) {
	t.Helper()
	if !slices.Contains(formTexts, refused) {
		t.Errorf("unknown text %q", refused)
	}
	switch refused {
	case "Request too large":
		if len(body) <= server.MaxBody {
			t.Errorf("%d bytes are too large", len(body))
		}
	case "Too many parameters":
		if n := count(query) + count(body); n <= server.MaxParameters {
			t.Errorf("%d parameters are too many", n)
		}
	case "Invalid Content Type":
		if body == "" {
			t.Error("an empty body needs no content type")
		}
	}
}

// count is how many parameters a source has, whatever they are.
func count(source string) int {
	return len(slices.DeleteFunc(strings.Split(source, "&"), func(pair string) bool { return pair == "" }))
}

// decode is what net/url makes of a source, without values that are empty. A semicolon it would refuse.
func decode(t *testing.T, source string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(strings.ReplaceAll(source, ";", "%3B"))
	if err != nil {
		t.Fatalf("accepted although %v", err)
	}
	for name := range values {
		values[name] = slices.DeleteFunc(values[name], func(v string) bool { return v == "" })
	}
	maps.DeleteFunc(values, func(_ string, v []string) bool { return len(v) == 0 })
	return values
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// FuzzBasic holds that nobody is a client without its secret, in whatever spelling, and that junk is never a fault.
func FuzzBasic(f *testing.F) {
	w := newWorld(f, setup{})
	alpha, _ := w.providers[0].Current().Realm("/alpha")
	for _, id := range []string{"app", "my:app", "50%", "a+b", "with space", "basic", "post", "off", "open", "dynamic", "chosen"} {
		for _, header := range []string{basic("/alpha", id), basicRaw(id, secretOf("/alpha", id)), basic("/beta", id), basicRaw(id, "")} {
			f.Add(strings.TrimPrefix(header, "Authorization: "), "", "")
		}
	}
	f.Add("Bearer x", "app", "")
	f.Add("Basic "+base64.StdEncoding.EncodeToString([]byte("app\x00:\xff%")), "app", "secret")
	f.Add("", "open", "")
	f.Add("", "app", secretOf("/alpha", "app"))
	f.Fuzz(func(t *testing.T, header, formID, formSecret string) {
		r, form := &http.Request{Header: http.Header{}}, url.Values{}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		for name, v := range map[string]string{"client_id": formID, "client_secret": formSecret} {
			if v != "" {
				form.Set(name, v)
			}
		}
		site := &ropc.Site{Realm: alpha, Trace: &ropc.Trace{}}
		client, err := w.providers[0].AuthenticateClient(ropc.NewContext(context.Background(), site), r, form)
		switch {
		case err == nil:
			authenticatedRightly(t, client, header, form)
		case client.Client != nil:
			t.Error("refused, but a client")
		case !errors.Is(err, provider.ErrInvalidClient) && !errors.Is(err, provider.ErrTwoMethods):
			t.Errorf("a fault: %v", err)
		case site.Trace.Reason == "":
			t.Error("refused for no reason")
		}
	})
}

// authenticatedRightly holds that the one method used shows the client's own secret.
func authenticatedRightly(t *testing.T, c ropc.Client, header string, form url.Values) {
	t.Helper()
	want := secretOf("/alpha", c.ID)
	if c.Public {
		want = ""
	}
	if c.Realm != "/alpha" || !c.Enabled {
		t.Fatalf("client %q of %s, enabled %v", c.ID, c.Realm, c.Enabled)
	}
	if header == "" {
		if form.Get("client_id") != c.ID || form.Get("client_secret") != want || c.ID == "basic" {
			t.Errorf("%v is %q", form, c.ID)
		}
		return
	}
	_, encoded, _ := strings.Cut(header, " ")
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimLeft(encoded, " "))
	id, secret, _ := strings.Cut(string(decoded), ":")
	plainID, errID := url.QueryUnescape(id)
	plainSecret, errSecret := url.QueryUnescape(secret)
	raw := id == c.ID && secret == want
	plain := errID == nil && errSecret == nil && plainID == c.ID && plainSecret == want
	if err != nil || (!raw && !plain) || form.Has("client_secret") || c.ID == "post" {
		t.Errorf("%q with %v is %q", decoded, form, c.ID)
	}
	if other := form.Get("client_id"); other != "" && other != id && other != plainID {
		t.Errorf("%q beside %q", other, decoded)
	}
}

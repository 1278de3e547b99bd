package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
)

// Dial is the Go client of the admin API on a socket. It connects with the first call.
func Dial(socket string) *API {
	return &API{socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

// API calls a server. Its errors are [*Error] for what the server refused, and [ErrNoServer] if there is none.
type API struct {
	socket string
	http   *http.Client
}

// ErrNoServer says that nobody answers on the socket.
var ErrNoServer = errors.New("no server answers")

// post sends one verb.
func (c *API) post(ctx context.Context, verb string, in any) (*http.Response, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin/v1/"+verb, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	response, err := c.http.Do(r)
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return nil, fmt.Errorf("%w on %s: %w", ErrNoServer, c.socket, dial.Err)
	case err != nil:
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	refused := &Error{}
	if err := json.NewDecoder(response.Body).Decode(refused); err != nil || refused.Code == "" {
		return nil, fmt.Errorf("the server answers with status %d", response.StatusCode)
	}
	return nil, refused
}

// Do asks for one verb of the table: "user/show" with a [UserRef] gives a [User], and so on.
func Do[Out any](ctx context.Context, c *API, verb string, in any) (out Out, err error) {
	response, err := c.post(ctx, verb, in)
	if err != nil {
		return out, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the answer: %w", err)
	}
	return out, nil
}

// List asks for a verb that streams. A list that was cut short ends with an error.
func List[Item any](ctx context.Context, c *API, verb string, in any) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		response, err := c.post(ctx, verb, in)
		if err != nil {
			yield(none, err)
			return
		}
		defer response.Body.Close()
		for d := json.NewDecoder(response.Body); ; {
			var l line[Item]
			err := d.Decode(&l)
			switch {
			case errors.Is(err, io.EOF):
				yield(none, errors.New("the list was cut short"))
				return
			case err != nil:
				yield(none, fmt.Errorf("read the list: %w", err))
				return
			case l.Error != nil:
				yield(none, l.Error)
				return
			case l.End:
				return
			case l.Item != nil && !yield(*l.Item, nil):
				return
			}
		}
	}
}

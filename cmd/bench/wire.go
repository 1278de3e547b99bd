package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"
)

// wire is one connection that stays, over which requests go that were made beforehand. It understands what net/http's
// server answers to them, and no more of HTTP/1.1 than that.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(addr string) (*wire, error) {
	c, err := net.DialTimeout("tcp", addr, patience) //nolint:noctx // it has a timeout
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &wire{conn: c, in: bufio.NewReader(c)}, nil
}

var (
	errAnswer     = errors.New("not an answer that this client understands")
	contentLength = []byte("Content-Length: ")
)

// do sends a request and reads the answer. The body is good until the next call.
func (w *wire) do(request []byte) (status int, body []byte, err error) {
	_ = w.conn.SetDeadline(time.Now().Add(patience))
	if _, err := w.conn.Write(request); err != nil {
		return 0, nil, fmt.Errorf("send: %w", err)
	}
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, fmt.Errorf("read status: %w", err)
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, nil, errAnswer
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errAnswer
	}
	length := -1
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return 0, nil, fmt.Errorf("read header: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if n, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(n)); err != nil {
				return 0, nil, errAnswer
			}
		}
	}
	if length < 0 {
		return 0, nil, errAnswer
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	if _, err := io.ReadFull(w.in, w.body); err != nil {
		return 0, nil, fmt.Errorf("read body: %w", err)
	}
	return status, w.body, nil
}

func (w *wire) close() { _ = w.conn.Close() }

// letter is all of a client's requests to one endpoint but for the form.
type letter struct{ head string }

// write begins a letter from a client.
func write(addr, path, id, secret string) letter {
	head := "POST " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	if id != "" {
		head += "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret)) + "\r\n"
	}
	return letter{head + "Content-Length: "}
}

// with is a whole request.
func (l letter) with(form url.Values) []byte { return l.append(nil, form.Encode()) }

// append makes a whole request with an encoded form behind b.
func (l letter) append(b []byte, form string) []byte {
	b = append(b, l.head...)
	b = strconv.AppendInt(b, int64(len(form)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, form...)
}

// field is the value of a string in a JSON object whose strings need no escaping, as tokens do not.
func field(body []byte, name string) string {
	_, rest, _ := bytes.Cut(body, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}

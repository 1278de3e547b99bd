package server_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the responses of testdata/*.http; read them against the contract afterwards")

// TestResponsesAreThoseOfTheContract plays the files of testdata. A file is a session with a server of its own:
//
//	# what the contract says (section), in one line or more
//	request: line, header, empty line, body
//	----
//	response: status line, header without Date in the order of the alphabet, empty line, body
//	====
//	the next one
//
// Lines of the header end with CRLF on the wire. Host and Content-Length are added where they are missing. In requests:
//
//	{{basic alpha app}}       credentials of a client of a realm, form-encoded
//	{{raw alpha app}}         the same, as curl sends them
//	{{secret alpha app}}      a client's secret, form-encoded
//	{{password alpha}}        the owners' password, form-encoded
//	{{access_token 1}}        the first one in the file's responses; {{refresh_token 1}}, {{grant_id 1}}
//	{{x 65}}                  that many x; {{parameters 60}} that many parameters nobody reads
//
// A line "# clock +1h" moves the store's clock. In responses tokens, grant ids and request ids are written with their
// number in the file, so that it shows where the same one comes again; everything else is compared byte for byte.
func TestResponsesAreThoseOfTheContract(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			t.Parallel()
			text := string(value(os.ReadFile(file))(t))
			if *onStore != "bolt" {
				text = untilTheClockMoves(text)
			}
			s := &session{t: t, w: newWorld(t, setup{}), seen: map[string]string{}, count: map[string]int{}}
			got := s.play(text)
			if *onStore != "bolt" {
				text, got = sameTimes(t, text, got)
			} else if *update {
				must(t, os.WriteFile(file, []byte(got), 0o644))
			}
			if diff := cmp.Diff(text, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// session is one file being played.
type session struct {
	t     *testing.T
	w     *world
	seen  map[string]string // value to placeholder
	count map[string]int    // by kind
}

// play is the file with the responses that came.
func (s *session) play(text string) string {
	s.t.Helper()
	var out []string
	for part := range strings.SplitSeq(text, "\n====\n") {
		request, _, _ := strings.Cut(part+"\n", "\n----\n")
		a := s.w.send(s.t, s.expand(strings.TrimSuffix(request, "\n")))
		out = append(out, strings.TrimSuffix(request, "\n")+"\n----\n"+s.normal(a))
	}
	return strings.Join(out, "\n====\n") + "\n"
}

var placeholder = regexp.MustCompile(`\{\{([a-z_]+)((?: [^ }]+)*)\}\}`)

// expand makes the bytes to send.
func (s *session) expand(request string) string {
	s.t.Helper()
	for strings.HasPrefix(request, "#") {
		comment, rest, _ := strings.Cut(request, "\n")
		if move, ok := strings.CutPrefix(comment, "# clock +"); ok {
			s.w.clock.move(value(time.ParseDuration(move))(s.t))
		}
		request = rest
	}
	request = placeholder.ReplaceAllStringFunc(request, s.replace)
	head, body, _ := strings.Cut(request, "\n\n")
	lower := strings.ToLower(head)
	if !strings.Contains(lower, "\nhost:") {
		head += "\nHost: as.example"
	}
	if body != "" && !strings.Contains(lower, "\ncontent-length:") && !strings.Contains(lower, "\ntransfer-encoding:") {
		head += "\nContent-Length: " + strconv.Itoa(len(body))
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}

func (s *session) replace(p string) string {
	s.t.Helper()
	words := strings.Fields(strings.Trim(p, "{}"))
	key, id := "", ""
	if len(words) > 1 {
		key = "/" + strings.Trim(words[1], "/")
	}
	if len(words) > 2 {
		id = value(url.QueryUnescape(words[2]))(s.t)
	}
	switch words[0] {
	case "basic":
		return strings.TrimPrefix(basic(key, id), "Authorization: Basic ")
	case "raw":
		return strings.TrimPrefix(basicRaw(id, secretOf(key, id)), "Authorization: Basic ")
	case "secret":
		return url.QueryEscape(secretOf(key, id))
	case "password":
		return url.QueryEscape(passwordOf(key))
	case "x":
		return strings.Repeat("x", value(strconv.Atoi(words[1]))(s.t))
	case "parameters":
		var b strings.Builder
		for i := range value(strconv.Atoi(words[1]))(s.t) {
			fmt.Fprintf(&b, "&p%d=v", i)
		}
		return b.String()
	}
	for text, name := range s.seen {
		if name == p {
			return text
		}
	}
	s.t.Fatalf("unknown placeholder %s", p)
	return ""
}

// volatile is what differs between runs, by kind.
var volatile = []struct {
	kind string
	form *regexp.Regexp // the value is its first group
}{
	{"request_id", regexp.MustCompile(`(?m)^X-Request-Id: ([0-9a-f]{24})$`)},
	{"access_token", regexp.MustCompile(`"(at_[A-Za-z0-9_-]{94})"`)},
	{"refresh_token", regexp.MustCompile(`"(rt_[A-Za-z0-9_-]{72})"`)},
	{"grant_id", regexp.MustCompile(`"authGrantId":"([A-Za-z0-9_-]{19})"`)},
}

// normal is the response with placeholders.
func (s *session) normal(a answer) string {
	text := a.String()
	for _, v := range volatile {
		for _, match := range v.form.FindAllStringSubmatch(text, -1) {
			name, known := s.seen[match[1]]
			if !known {
				s.count[v.kind]++
				name = fmt.Sprintf("{{%s %d}}", v.kind, s.count[v.kind])
				s.seen[match[1]] = name
			}
			text = strings.ReplaceAll(text, match[1], name)
		}
	}
	return text
}

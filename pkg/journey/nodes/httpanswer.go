package nodes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/ropcd/ropcd/pkg/journey"
)

// verdicts are what the statuses of a service mean.
type verdicts struct {
	of    map[int]Verdict
	wrong int // the status of a wrong password
}

// reasons are those of the verdicts; a yes has none.
var reasons = map[Verdict]string{
	outcomeFalse: journey.ReasonWrongPassword, outcomeLocked: journey.ReasonLocked, outcomeExpired: journey.ReasonExpired,
}

var usualVerdicts = map[string]Verdict{
	"200": outcomeTrue, "204": outcomeTrue, "401": outcomeFalse, "423": outcomeLocked, "410": outcomeExpired,
}

// newVerdicts takes the usual ones for none. A yes is a success to HTTP too: no error page is to log anybody in.
func newVerdicts(settings map[string]Verdict) (verdicts, error) {
	if len(settings) == 0 {
		settings = usualVerdicts
	}
	v := verdicts{of: make(map[int]Verdict, len(settings))}
	right := false
	for _, text := range slices.Sorted(maps.Keys(settings)) {
		status, verdict := answerStatus(text), settings[text]
		switch {
		case status == 0:
			return v, fmt.Errorf("%q is not a status from 200 to 299 or from 400 to 499", text)
		case status == http.StatusTooManyRequests:
			return v, errors.New("429 says nothing of the user, and is always a fault")
		case verdict != outcomeTrue && reasons[verdict] == "":
			return v, fmt.Errorf("%d: must be true, false, locked or expired, not %q", status, verdict)
		case verdict == outcomeTrue && status >= http.StatusBadRequest:
			return v, fmt.Errorf("%d: an error can't be true", status)
		}
		right = right || verdict == outcomeTrue
		if verdict == outcomeFalse && (v.wrong == 0 || status == http.StatusUnauthorized) {
			v.wrong = status
		}
		v.of[status] = verdict
	}
	if !right || v.wrong == 0 {
		return v, errors.New("list at least one that is true and one that is false")
	}
	return v, nil
}

// answerStatus is the status in its one spelling that may stand for a yes or a no; 0: it may not.
func answerStatus(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text || n < 200 || n > 499 || n/100 == 3 {
		return 0
	}
	return n
}

// readAttributes are the attributes that a body holds, by their names here; what is null or missing is empty. Its errors do
// not repeat what the body says.
func readAttributes(body []byte, wanted map[string]string) (map[string]string, error) {
	if len(body) > maxBody {
		return nil, fmt.Errorf("the body of the answer is larger than %d bytes", maxBody)
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&object); err != nil || object == nil {
		return nil, errors.New("the body of the answer is not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the body of the answer has more than one JSON object")
	}
	known := make(map[string]string, len(wanted))
	for here, there := range wanted {
		switch value := object[there].(type) {
		case nil:
			known[here] = ""
		case string:
			known[here] = value
		case json.Number:
			known[here] = value.String()
		case bool:
			known[here] = strconv.FormatBool(value)
		default:
			return nil, fmt.Errorf("%q in the body of the answer is neither a string nor a number nor a boolean", there)
		}
	}
	return known, nil
}

package main_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// reply is what one request of a load got.
type reply struct {
	status     int // 0: none
	retryAfter string
	took       time.Duration
	at         time.Time // of its end
	err        error
}

// sender sends a load over connections that it keeps, so that it takes little of the machine that it loads.
type sender struct{ http *http.Client }

func newSender() *sender {
	return &sender{&http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 2000, DisableCompression: true}}}
}

// post sends a form as a client, and reads the answer to its end.
func (s *sender) post(to, id, secret string, form url.Values) (r reply) {
	request, err := http.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{err: err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(id, secret)
	start := time.Now()
	defer func() { r.at, r.took = time.Now(), time.Since(start) }()
	response, err := s.http.Do(request)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return reply{status: response.StatusCode, retryAfter: response.Header.Get("Retry-After"), err: err}
}

// offer sends rate requests a second, whether or not the earlier ones are answered, and returns when all are.
func offer(rate float64, during time.Duration, send func(i int) reply) []reply {
	replies := make([]reply, int(rate*during.Seconds()))
	start := time.Now()
	due := time.NewTimer(0)
	var wg sync.WaitGroup
	for i := range replies {
		due.Reset(time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		<-due.C
		wg.Go(func() { replies[i] = send(i) })
	}
	wg.Wait()
	return replies
}

// exhaust sends the next request as soon as one of so many is answered.
func exhaust(atOnce int, during time.Duration, send func(i int) reply) []reply {
	end := time.Now().Add(during)
	var next atomic.Int64
	var wg sync.WaitGroup
	lists := make([][]reply, atOnce)
	for i := range lists {
		wg.Go(func() {
			for time.Now().Before(end) {
				lists[i] = append(lists[i], send(int(next.Add(1))))
			}
		})
	}
	wg.Wait()
	return slices.Concat(lists...)
}

// perSecond is the rate of good answers that came before the end.
func perSecond(replies []reply, start time.Time, during time.Duration) float64 {
	n := 0
	for _, r := range replies {
		if r.status == http.StatusOK && r.at.Before(start.Add(during)) {
			n++
		}
	}
	return float64(n) / during.Seconds()
}

// times are how long the answers of a status took.
type times []time.Duration

func timesOf(replies []reply, status int) (list times) {
	for _, r := range replies {
		if r.status == status {
			list = append(list, r.took)
		}
	}
	slices.SortFunc(list, cmp.Compare)
	return list
}

func (l times) quantile(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(int(q*float64(len(l))), len(l)-1)]
}

func (l times) String() string {
	return fmt.Sprintf("%6d\t%.1f ms\t%.1f ms\t%.1f ms", len(l), ms(l.quantile(0.5)), ms(l.quantile(0.99)), ms(l.quantile(1)))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

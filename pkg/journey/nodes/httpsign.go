package nodes

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ropcd/ropcd/pkg/journey"
)

// minSecret is what Standard Webhooks asks for, in bytes.
const minSecret = 24

// signer signs requests as Standard Webhooks has it.
type signer struct{ hook *webhooks.Webhook }

// newSigner reads the secret. Its errors hold nothing of it.
func newSigner(env journey.Env, file string) (signer, error) {
	text, err := readSecret(env, file)
	if err != nil {
		return signer{}, err
	}
	key := []byte(text)
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		if key, err = base64.StdEncoding.Strict().DecodeString(encoded); err != nil {
			return signer{}, errors.New("behind `whsec_` there is no base64")
		}
	}
	if len(key) < minSecret {
		return signer{}, fmt.Errorf("the secret has less than %d bytes", minSecret)
	}
	hook, err := webhooks.NewWebhookRaw(key)
	return signer{hook}, err
}

// sign sets the headers. The id is random: it names this one question.
func (s signer) sign(h http.Header, now time.Time, body []byte) error {
	id := "msg_" + rand.Text()
	signature, err := s.hook.Sign(id, now, body)
	if err != nil {
		return err
	}
	h.Set(webhooks.HeaderWebhookID, id)
	h.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(webhooks.HeaderWebhookSignature, signature)
	return nil
}

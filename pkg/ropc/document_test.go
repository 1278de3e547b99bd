package ropc_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

func activeToken() *ropc.Active {
	at := time.Unix(1700000000, 0)
	return &ropc.Active{
		Realm: &ropc.Realm{Realm: &realm.Realm{Path: "/Alpha", Issuer: "https://as.example/oauth2/realms/root/realms/Alpha"}},
		Grant: &storage.Grant{
			ID: storage.GrantID{0, 1, 2}, Realm: "/alpha", Username: "demo", Subject: "id-1", ClientID: "myClient",
			Scopes: []string{"write", "read"}, Journey: "PasswordGrant", AuthLevel: 5, AuthTime: at, Seq: 3, Generation: 2,
			Refreshed: at.Add(time.Minute), Properties: map[string]string{"tier": "gold"},
		},
		Number: 3, Scopes: []string{"write"}, Expires: at.Add(time.Hour), Now: at.Add(time.Minute + time.Millisecond),
	}
}

func TestDocumentHasTheKeysOfTheContractInItsOrder(t *testing.T) {
	got, err := json.Marshal(activeToken().Document())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"active":true,"scope":"write","realm":"/Alpha","client_id":"myClient","token_type":"Bearer",` +
		`"exp":1700003600,"iat":1700000060,"expires_in":3539,"iss":"https://as.example/oauth2/realms/root/realms/Alpha",` +
		`"sub":"id-1","subname":"id-1","username":"demo","user_id":"demo","auth_level":5,"auth_time":1700000000,` +
		`"authGrantId":"AAECAAAAAAAAAAAAAAA","auditTrackingId":"AAECAAAAAAAAAAAAAAA-3","journey":"PasswordGrant",` +
		`"session":{"tier":"gold"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentLeavesOutWhatThereIsNot(t *testing.T) {
	a := activeToken()
	a.Kind, a.Number, a.Expires, a.Grant.Properties = token.Refresh, 2, time.Time{}, nil
	data, err := json.Marshal(a.Document())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"exp", "expires_in", "token_type", "session"} {
		if _, there := got[key]; there {
			t.Errorf("%s is there", key)
		}
	}
}

func TestDocumentSaysZeroSecondsInTheLastOne(t *testing.T) {
	a := activeToken()
	a.Now = a.Expires.Add(-time.Millisecond)
	if left := a.Document().ExpiresIn; left == nil || *left != 0 {
		t.Errorf("expires_in = %v, want 0", left)
	}
}

func TestDocumentNeverMakesATokenYounger(t *testing.T) {
	for _, tc := range []struct {
		name   string
		kind   token.Kind
		number uint32
		want   int64
	}{
		{"newest access token", token.Access, 3, 1700000060},
		{"one between", token.Access, 2, 1700000000},
		{"the login's", token.Access, 1, 1700000000},
		{"rotated refresh token", token.Refresh, 2, 1700000060},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := activeToken()
			a.Kind, a.Number = tc.kind, tc.number
			if got := a.Document().IssuedAt; got != tc.want {
				t.Errorf("iat = %d, want %d", got, tc.want)
			}
		})
	}
}

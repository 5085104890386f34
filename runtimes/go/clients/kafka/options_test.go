package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/twmb/franz-go/pkg/kfake"
)

func wants(t *testing.T, err error, code int, words string) {
	t.Helper()
	failure, _ := err.(*testhost.CallError)
	if failure == nil || failure.Code != code || !strings.Contains(failure.Text, words) {
		t.Errorf("%v; want %d … %s", err, code, words)
	}
}

func TestOptionsThatAreNone(t *testing.T) {
	h := load(t)
	for _, c := range []struct {
		option table
		words  string
	}{
		{table{"brokers": []string{}}, `"brokers" must be a list`},
		{table{"acks": "2"}, `"acks" must be`},
		{table{"compression": "rar"}, `"compression" must be`},
		{table{"sasl": table{"mechanism": "NTLM"}}, `"sasl.mechanism" must be`},
		{table{"sasl": table{"mechanism": "GSSAPI", "password": "p"}}, `needs "sasl.user"`},
		{table{"sasl": table{"mechanism": "GSSAPI", "user": "u@R", "password": "p"}}, `which is "sasl.realm"`},
		{table{"sasl": table{"mechanism": "GSSAPI", "user": "u"}}, `one of "sasl.password" and "sasl.keytab"`},
		{table{"sasl": table{"mechanism": "GSSAPI", "user": "u", "password": "p", "keytab": "k"}}, `one of "sasl.password"`},
		{table{"sasl": table{"mechanism": "GSSAPI", "user": "u", "token": "t"}}, "OAUTHBEARER"},
		{table{"sasl": table{"mechanism": "PLAIN", "keytab": "k"}}, "are for the mechanism GSSAPI"},
		{table{"sasl": table{"mechanism": "OAUTHBEARER"}}, `one of "sasl.token" and "sasl.token_file"`},
		{table{"sasl": table{"mechanism": "OAUTHBEARER", "token": "a", "token_file": "b"}}, `one of "sasl.token"`},
		{table{"sasl": table{"mechanism": "PLAIN", "token": "a"}}, "OAUTHBEARER"},
		{table{"tls": table{"ca": "nonsense"}}, "no certificate"},
		{table{"tls": table{"cert": "nonsense"}}, `"tls.cert" and "tls.key"`},
	} {
		options := with(table{"brokers": []string{"127.0.0.1:1"}}, c.option)
		h.fails("topics", options, table{}, invalidRequest, c.words)
	}
}

func TestTLSThatVerifiesNothing(t *testing.T) {
	h := load(t)
	certificate, ca := authority(t)
	_, brokers := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}}), kfake.SeedTopics(1, "t"))
	h.call("topics", with(brokers, table{"tls": table{"ca": ca}}), table{})
	h.call("topics", with(brokers, table{"tls": table{"verify": false}}), table{})
	h.call("topics", with(brokers, table{"tls": table{"verify": false, "server_name": "kafka.test"}}), table{})
	h.fails("topics", with(brokers, table{"tls": table{"verify": true}}), table{}, clientFailed, "unknown authority")
}

func TestATokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	mechanism := func() (string, error) {
		m, err := (&bearerOptions{TokenFile: file, Extensions: map[string]string{"a": "b"}}).mechanism()
		if err != nil {
			t.Fatal(err)
		}
		_, text, err := m.Authenticate(t.Context(), "")
		return string(text), err
	}
	if _, err := mechanism(); err == nil || !strings.Contains(err.Error(), "sasl.token_file") {
		t.Error(err)
	}
	for _, token := range []string{"one", "two"} { // it is read anew each time
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := mechanism(); err != nil || text != "n,,\x01auth=Bearer "+token+"\x01a=b\x01\x01" {
			t.Errorf("%q, %v", text, err)
		}
	}
	if err := os.WriteFile(file, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mechanism(); err == nil || !strings.Contains(err.Error(), "holds no token") {
		t.Error(err)
	}
}

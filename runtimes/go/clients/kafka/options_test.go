package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/certificate"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestOptionsThatAreNone(t *testing.T) {
	h := load(t)
	for _, c := range []struct {
		option lua.Table
		words  string
	}{
		{lua.Table{"brokers": []string{}}, `"brokers" must be a list`},
		{lua.Table{"acks": "2"}, `"acks" must be`},
		{lua.Table{"compression": "rar"}, `"compression" must be`},
		{lua.Table{"sasl": lua.Table{"mechanism": "NTLM"}}, `"sasl.mechanism" must be`},
		{lua.Table{"sasl": lua.Table{"mechanism": "GSSAPI", "password": "p"}}, `needs "sasl.user"`},
		{lua.Table{"sasl": lua.Table{"mechanism": "GSSAPI", "user": "u@R", "password": "p"}}, `which is "sasl.realm"`},
		{lua.Table{"sasl": lua.Table{"mechanism": "GSSAPI", "user": "u"}}, `one of "sasl.password" and "sasl.keytab"`},
		{lua.Table{"sasl": lua.Table{"mechanism": "GSSAPI", "user": "u", "password": "p", "keytab": "k"}}, `one of "sasl.password"`},
		{lua.Table{"sasl": lua.Table{"mechanism": "GSSAPI", "user": "u", "token": "t"}}, "OAUTHBEARER"},
		{lua.Table{"sasl": lua.Table{"mechanism": "PLAIN", "keytab": "k"}}, "are for the mechanism GSSAPI"},
		{lua.Table{"sasl": lua.Table{"mechanism": "OAUTHBEARER"}}, `one of "sasl.token" and "sasl.token_file"`},
		{lua.Table{"sasl": lua.Table{"mechanism": "OAUTHBEARER", "token": "a", "token_file": "b"}}, `one of "sasl.token"`},
		{lua.Table{"sasl": lua.Table{"mechanism": "PLAIN", "token": "a"}}, "OAUTHBEARER"},
		{lua.Table{"tls": lua.Table{"ca": "nonsense"}}, "no certificate"},
		{lua.Table{"tls": lua.Table{"cert": "nonsense"}}, `"tls.cert" and "tls.key"`},
	} {
		options := lua.With(lua.Table{"brokers": []string{"127.0.0.1:1"}}, c.option)
		h.fails("topics", options, lua.Table{}, invalidRequest, c.words)
	}
}

func TestTLSThatVerifiesNothing(t *testing.T) {
	h := load(t)
	server := certificate.New(t)
	_, brokers := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{server.Certificate}}), kfake.SeedTopics(1, "t"))
	h.call("topics", lua.With(brokers, lua.Table{"tls": lua.Table{"ca": server.PEM}}), lua.Table{})
	h.call("topics", lua.With(brokers, lua.Table{"tls": lua.Table{"verify": false}}), lua.Table{})
	h.call("topics", lua.With(brokers, lua.Table{"tls": lua.Table{"verify": false, "server_name": "kafka.test"}}), lua.Table{})
	h.fails("topics", lua.With(brokers, lua.Table{"tls": lua.Table{"verify": true}}), lua.Table{}, clientFailed, "unknown authority")
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
	for _, token := range []string{"one", "two"} { // the file is read again each time
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

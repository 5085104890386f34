package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongConfigurations(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:50051"
	cases := []struct {
		config config
		words  string
	}{
		{config{}, `"address"`},
		{config{Address: "127.0.0.1"}, `"address"`},
		{config{Address: address, TLS: &tlsFiles{CA: "no such file"}}, `"tls.ca"`},
		{config{Address: address, TLS: &tlsFiles{CA: empty}}, `"tls.ca"`},
		{config{Address: address, TLS: &tlsFiles{Cert: empty}}, `"tls.key"`},
		{config{Address: address, TLS: &tlsFiles{Cert: empty, Key: empty}}, `"tls.cert"`},
	}
	for _, c := range cases {
		if _, err := c.config.dialOptions(); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
	for _, files := range []*tlsFiles{nil, {}} {
		right := config{Address: address, TLS: files}
		if _, err := right.dialOptions(); err != nil {
			t.Errorf("TLS %+v: %v", files, err)
		}
	}
}

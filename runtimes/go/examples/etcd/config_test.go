package main

import (
	"strings"
	"testing"
)

func TestWrongConfigurations(t *testing.T) {
	cases := []struct {
		config config
		words  string
	}{
		{config{}, `"endpoints"`},
		{config{Endpoints: []string{"127.0.0.1:2379", "127.0.0.1"}}, `"endpoints"`},
		{config{Endpoints: []string{"127.0.0.1:2379"}, User: "root"}, `"password"`},
		{config{Endpoints: []string{"127.0.0.1:2379"}, Password: "secret"}, `"user"`},
	}
	for _, c := range cases {
		if _, err := c.config.client(); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
	right := config{Endpoints: []string{"127.0.0.1:2379", "https://etcd.test:2379"}, User: "root", Password: "secret"}
	if _, err := right.client(); err != nil {
		t.Error(err)
	}
}

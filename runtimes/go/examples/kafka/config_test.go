package main

import (
	"strings"
	"testing"
)

func TestWrongConfigurations(t *testing.T) {
	brokers := []string{"127.0.0.1:9092"}
	cases := []struct {
		config config
		words  string
	}{
		{config{}, `"brokers"`},
		{config{Brokers: []string{"127.0.0.1"}}, `"brokers"`},
		{config{Brokers: brokers, Acks: "2"}, `"acks"`},
		{config{Brokers: brokers, Compression: "rar"}, `"compression"`},
		{config{Brokers: brokers, LingerMS: -1}, `"linger_ms"`},
	}
	for _, c := range cases {
		if _, err := c.config.producer(); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
	for _, acks := range []string{"", "all", "1", "0"} {
		right := config{Brokers: brokers, Acks: acks, Compression: "gzip"}
		if _, err := right.producer(); err != nil {
			t.Errorf("acks %q: %v", acks, err)
		}
	}
}

package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

type config struct {
	Endpoints []string `json:"endpoints"`
	User      string   `json:"user"`
	Password  string   `json:"password"`
}

// retry is how often an etcd that is down is tried again: gRPC's own limit is two minutes.
var retry = backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}

func (c *config) client() (clientv3.Config, error) {
	if len(c.Endpoints) == 0 {
		return clientv3.Config{}, errors.New(`"endpoints" must name at least one HOST:PORT`)
	}
	for _, e := range c.Endpoints {
		if !strings.Contains(e, "://") {
			e = "http://" + e
		}
		if u, err := url.Parse(e); err != nil || u.Hostname() == "" || u.Port() == "" {
			return clientv3.Config{}, fmt.Errorf(`"endpoints" must be HOST:PORT or https://HOST:PORT each, not %q`, e)
		}
	}
	if (c.User == "") != (c.Password == "") {
		return clientv3.Config{}, errors.New(`"user" and "password" go together: give both or neither`)
	}
	connect := grpc.ConnectParams{Backoff: retry, MinConnectTimeout: 5 * time.Second}
	return clientv3.Config{
		Endpoints:            c.Endpoints,
		Username:             c.User,
		Password:             c.Password,
		DialKeepAliveTime:    10 * time.Second, // finds out that a server hangs, also while nothing but a watch is open
		DialKeepAliveTimeout: 5 * time.Second,
		DialOptions:          []grpc.DialOption{grpc.WithConnectParams(connect)},
		Logger:               zap.NewNop(), // what fails is told to the caller
	}, nil
}

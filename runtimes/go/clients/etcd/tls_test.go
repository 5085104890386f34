package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/certificate"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
)

// demanding is a user of a server that takes clients with its own certificate only.
func demanding(t *testing.T, server *certificate.Certificate) *user {
	t.Helper()
	h := &hostile{put: func(context.Context) (*pb.PutResponse, error) {
		return &pb.PutResponse{Header: header(10)}, nil
	}}
	return h.user(t, grpc.Creds(credentials.NewTLS(server.Demanding())))
}

// says waits until a call fails for want of a connection, with these words.
func says(t *testing.T, u *user, words string) {
	t.Helper()
	testhost.Soon(t, words, func() bool {
		_, err := u.within(time.Second, "put", lua.Table{"key": "a"})
		failure, _ := err.(*testhost.CallError)
		return failure != nil && failure.Code == int(codes.Unavailable) && strings.Contains(failure.Text, words)
	})
}

func TestAServerThatAsksForACertificate(t *testing.T) {
	server, foreign := certificate.New(t), certificate.New(t)
	const none = "(the server asked for a client certificate: options tls.cert and tls.key)"
	const another = "(the server asked for a client certificate, and may not trust that of the option tls.cert)"
	u := demanding(t, server)
	resetting := load(t, lua.Table{"endpoints": []string{server.Resetting(t, "h2")}})
	with := func(u *user, shown *certificate.Certificate) *user {
		options := lua.Table{"ca": server.PEM}
		if shown != nil {
			options["cert"], options["key"] = shown.PEM, shown.Key
		}
		return u.with(lua.Table{"tls": options})
	}
	says(t, with(u, nil), none)
	says(t, with(u, foreign), another)
	says(t, with(resetting, nil), none)
	says(t, with(resetting, foreign), another)
	says(t, with(resetting, server), another)
	with(u, server).call("put", lua.Table{"key": "a"})
}

func TestALoginThatIsRefusedForWantOfACertificate(t *testing.T) {
	server := certificate.New(t)
	options := lua.Table{"tls": lua.Table{"ca": server.PEM}, "user": "ann", "password": "x", "connect_timeout": 1}
	u := demanding(t, server).with(options)
	testhost.Soon(t, "the hint", func() bool {
		_, err := u.try("put", lua.Table{"key": "a"})
		return err != nil && strings.Contains(err.Error(), "options tls.cert and tls.key")
	})
}

func TestAWatchThatIsRefusedForWantOfACertificate(t *testing.T) {
	server := certificate.New(t)
	u := demanding(t, server).with(lua.Table{"tls": lua.Table{"ca": server.PEM}})
	testhost.Soon(t, "the hint", func() bool {
		s, err := u.rt.Open("watch", u.request(lua.Table{"key": "a", "timeout": 1}), false, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, err = s.All()
		return err != nil && strings.Contains(err.Error(), "options tls.cert and tls.key")
	})
}

// What is wrong is the server's certificate, although the server asks for ours, too.
func TestAServerThatIsNotTrustedAndAsksForACertificate(t *testing.T) {
	server, foreign := certificate.New(t), certificate.New(t)
	u := demanding(t, server).with(lua.Table{"tls": lua.Table{"ca": foreign.PEM}})
	says(t, u, "x509: ")
	if _, err := u.within(time.Second, "put", lua.Table{"key": "a"}); err == nil || strings.Contains(err.Error(), "asked for") {
		t.Error(err)
	}
}

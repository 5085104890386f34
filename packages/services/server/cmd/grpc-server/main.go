// Command grpc-server serves the examples of gRPC over plain text, TLS and mutual TLS, and counts over HTTP what its
// clients do.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/resty-ffi/resty-ffi/packages/services/server/build/echo"
	"github.com/resty-ffi/resty-ffi/packages/services/server/build/helloworld"
	"github.com/resty-ffi/resty-ffi/packages/services/server/build/routeguide"
	"github.com/resty-ffi/resty-ffi/packages/services/server/internal/certificates"
	"github.com/resty-ffi/resty-ffi/packages/services/server/internal/services"
	"github.com/resty-ffi/resty-ffi/packages/services/server/internal/stats"
)

func main() {
	plain := flag.String("plain", "127.0.0.1:50051", "the address for plain text")
	secure := flag.String("tls", "127.0.0.1:50052", "the address for TLS")
	mutual := flag.String("mtls", "127.0.0.1:50053", "the address for TLS with clients' certificates")
	status := flag.String("status", "127.0.0.1:50054", "the address that answers HTTP with the counts")
	folder := flag.String("certificates", ".", "the folder that the PEM files are in; made if they are not there")
	flag.Parse()
	if err := run(*plain, *secure, *mutual, *status, *folder); err != nil {
		log.Fatal(err)
	}
}

func run(plain, secure, mutual, status, folder string) error {
	if err := certificates.Ensure(folder); err != nil {
		return err
	}
	secureConfig, err := certificates.Config(folder, false)
	if err != nil {
		return err
	}
	mutualConfig, err := certificates.Config(folder, true)
	if err != nil {
		return err
	}
	counter := &stats.Counter{}
	failed := make(chan error, 4)
	serve := func(address string, serve func(net.Listener) error) {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			failed <- err
			return
		}
		go func() { failed <- serve(listener) }()
	}
	serve(plain, server(counter).Serve)
	serve(secure, server(counter, grpc.Creds(credentials.NewTLS(secureConfig))).Serve)
	serve(mutual, server(counter, grpc.Creds(credentials.NewTLS(mutualConfig))).Serve)
	// The last: whoever gets an answer there finds the others.
	serve(status, func(l net.Listener) error { return http.Serve(l, counter) })

	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	select {
	case err := <-failed:
		return err
	case <-ended:
		return nil
	}
}

func server(counter *stats.Counter, options ...grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(append(options, grpc.StatsHandler(counter))...)
	helloworld.RegisterGreeterServer(s, services.Greeter{})
	routeguide.RegisterRouteGuideServer(s, services.RouteGuide{})
	echo.RegisterEchoServer(s, services.Echo{})
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	reflection.RegisterV1(s)
	return s
}

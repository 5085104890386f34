package main

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"syscall"
	"testing"
)

// listening is the address of a listener that accepts connections and says nothing.
func listening(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestKeepaliveIsThatOfTCP(t *testing.T) {
	r := newReach((&options{Keepalive: 20, KeepaliveTimeout: 15}).dialer(), "")
	conn, err := r.dialer(nil)(context.Background(), "tcp", listening(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string][3]int{
		"SO_KEEPALIVE":  {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		"TCP_KEEPIDLE":  {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 20},
		"TCP_KEEPINTVL": {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 3},
		"TCP_KEEPCNT":   {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 5},
	}
	if err := raw.Control(func(fd uintptr) {
		for name, w := range wanted {
			if got, err := syscall.GetsockoptInt(int(fd), w[0], w[1]); err != nil || got != w[2] {
				t.Errorf("%s: %d, %v; want %d", name, got, err, w[2])
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestConnectTimeoutBoundsTheHandshake(t *testing.T) {
	r := newReach((&options{ConnectTimeout: 0.2}).dialer(), "")
	_, err := r.dialer(&tls.Config{MinVersion: tls.VersionTLS12})(context.Background(), "tcp", listening(t))
	if err == nil || !strings.Contains(err.Error(), "the TLS handshake has not ended within 200ms") {
		t.Errorf("%v", err)
	}
}

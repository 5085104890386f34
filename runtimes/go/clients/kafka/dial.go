package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// dialer returns a function that connects and notes the progress, because a connection to a host that never answers fails too
// late to explain a timeout.
func (r *reach) dialer(config *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		r.waits(address, "there is no connection yet")
		conn, err := r.network.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if config == nil {
			r.waits(address, silent)
			return conn, nil
		}
		r.waits(address, "it accepts connections, and the TLS handshake does not end")
		own := config.Clone()
		if own.ServerName == "" {
			own.ServerName, _, _ = net.SplitHostPort(address)
		}
		limited, cancel := context.WithTimeout(ctx, r.network.Timeout)
		defer cancel()
		secure := tls.Client(conn, own)
		if err := secure.HandshakeContext(limited); err != nil {
			_ = conn.Close()
			if limited.Err() != nil && ctx.Err() == nil {
				return nil, fmt.Errorf("the TLS handshake has not ended within %v", r.network.Timeout)
			}
			return nil, fmt.Errorf("TLS: %w", err)
		}
		r.waits(address, silent)
		return secure, nil
	}
}

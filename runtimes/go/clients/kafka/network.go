package main

import (
	"net"
	"time"
)

const (
	// usualConnectTimeout bounds how long a broker may take to accept a connection, and then to finish a TLS handshake.
	usualConnectTimeout = 10 * time.Second
	// usualKeepaliveTimeout is how long the probes of a connection may stay without an answer.
	usualKeepaliveTimeout = 10 * time.Second
	// probes is how many go without an answer within the keepalive timeout.
	probes = 5
)

// dialer opens connections as the options say. Without the option keepalive Go decides when a connection is probed. TCP
// counts whole seconds.
func (o *options) dialer() net.Dialer {
	dialer := net.Dialer{Timeout: usualConnectTimeout}
	if o.ConnectTimeout > 0 {
		dialer.Timeout = seconds(o.ConnectTimeout)
	}
	if o.Keepalive > 0 {
		timeout := usualKeepaliveTimeout
		if o.KeepaliveTimeout > 0 {
			timeout = seconds(o.KeepaliveTimeout)
		}
		dialer.KeepAliveConfig = net.KeepAliveConfig{
			Enable:   true,
			Idle:     max(time.Second, seconds(o.Keepalive)),
			Interval: max(time.Second, timeout/probes),
			Count:    probes,
		}
	}
	return dialer
}

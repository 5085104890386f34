package testhost

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports are below those that the kernel gives to clients, so that no client takes a port before its server listens or
// while its server is down.
const firstPort, lastPort = 10_000, 29_999

// FreePorts returns count different ports on 127.0.0.1 on which nothing listens.
func FreePorts(count int) []int {
	seen := make(map[int]bool)
	var ports []int
	for len(ports) < count {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_ = l.Close()
		if !seen[port] {
			seen[port] = true
			ports = append(ports, port)
		}
	}
	return ports
}

package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/certificate"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/twmb/franz-go/pkg/kfake"
)

// nobody is an address that refuses connections.
func nobody() string { return fmt.Sprintf("127.0.0.1:%d", testhost.FreePorts(1)[0]) }

// elsewhere listens on 127.0.0.1, and says that it does elsewhere.
type elsewhere struct {
	net.Listener
	address net.Addr
}

func (e elsewhere) Addr() net.Addr { return e.address }

func TestWhyNoBrokerAnswers(t *testing.T) {
	server, foreign := certificate.New(t), certificate.New(t)
	_, open := fake(t, kfake.SeedTopics(1, "t"))
	_, closed := fake(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "secret"))
	_, secure := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{server.Certificate}}))
	away := nobody()
	var real string
	fake(t, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		listener, err := net.Listen(network, address)
		if err != nil {
			return nil, err
		}
		real = listener.Addr().String()
		lost, err := net.ResolveTCPAddr("tcp", away)
		return elsewhere{listener, lost}, err
	}), kfake.SeedTopics(1, "t"))
	sasl := func(mechanism, password string) lua.Table {
		return lua.Table{"mechanism": mechanism, "user": "ann", "password": password}
	}
	for name, c := range map[string]struct {
		options lua.Table
		code    int
		words   string
	}{
		"nobody":               {lua.Table{"brokers": []string{away}}, unreachable, "connection refused"},
		"no such host":         {lua.Table{"brokers": []string{"nobody.invalid:9092"}}, unreachable, "nobody.invalid"},
		"advertised elsewhere": {lua.Table{"brokers": []string{real}}, unreachable, "broker " + away},
		"a wrong password":     {lua.With(closed, lua.Table{"sasl": sasl("PLAIN", "x")}), unreachable, "password may be wrong"},
		"no SASL":              {lua.With(open, lua.Table{"sasl": sasl("PLAIN", "secret")}), unreachable, "no SASL"},
		"SASL is wanted":       {closed, unreachable, "it may want SASL"},
		"TLS is wanted":        {secure, unreachable, "TLS"},
		"TLS without need":     {lua.With(open, lua.Table{"tls": lua.Table{}}), unreachable, "TLS"},
		"another authority":    {lua.With(secure, lua.Table{"tls": lua.Table{"ca": foreign.PEM}}), clientFailed, "unknown authority"},
		"another name": {
			lua.With(secure, lua.Table{"tls": lua.Table{"ca": server.PEM, "server_name": "kafka.test"}}), clientFailed, "kafka.test",
		},
		"no answer":      {lua.Table{"brokers": []string{serves(t, swallow)}}, unreachable, "does not answer"},
		"no TLS answer":  {lua.Table{"brokers": []string{serves(t, swallow)}, "tls": lua.Table{}}, unreachable, "handshake"},
		"closed at once": {lua.Table{"brokers": []string{serves(t, func(net.Conn) {})}}, unreachable, "closed"},
		"another protocol": {
			lua.Table{"brokers": []string{serves(t, says("HTTP/1.1 400 Bad Request\r\n\r\n"))}}, unreachable, "HTTP",
		},
		"a huge answer":   {lua.Table{"brokers": []string{serves(t, says("\x7f\xff\xff\xff"))}}, unreachable, "response size"},
		"a negative size": {lua.Table{"brokers": []string{serves(t, says("\xff\xff\xff\xff"))}}, unreachable, "size"},
		"half an answer":  {lua.Table{"brokers": []string{serves(t, says("\x00\x00\x00\x10abc"))}}, unreachable, "closed"},
		"nonsense":        {lua.Table{"brokers": []string{serves(t, says("\x00\x00\x00\x08abcdefgh"))}}, unreachable, "broker"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := load(t)
			h.fails("send", c.options, lua.Table{"topic": "t", "value": "x"}, c.code, c.words)
			s := h.open("consume", c.options, lua.Table{"id": "1", "group": "g", "topics": []string{"t"}})
			// A consumer either ends, or tries on and says why there is nothing.
			var failure *testhost.CallError
			for end := time.Now().Add(soonSeconds * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if _, err := s.TryRecv(); err != testhost.ErrWait {
					failure, _ = err.(*testhost.CallError)
				} else {
					_, failure = h.try("trouble", c.options, lua.Table{"id": "1"}, time.Second)
				}
				if failure != nil && failure.Code == c.code && strings.Contains(failure.Text, c.words) {
					return
				}
			}
			t.Errorf("consume: %v; want %d … %s", failure, c.code, c.words)
		})
	}
}

// says sends a text after the first request, and closes the connection.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1024))
		_, _ = conn.Write([]byte(text))
	}
}

func TestWhatIsEnqueuedInVain(t *testing.T) {
	h := load(t)
	options := lua.Table{"brokers": []string{nobody()}, "max_buffered": 1, "delivery_timeout": 1}
	h.call("enqueue", options, lua.Table{"topic": "t", "value": "x"})
	for end := time.Now().Add(soonSeconds * time.Second); time.Now().Before(end); {
		_, failure := h.try("enqueue", options, lua.Table{"topic": "t", "value": "y"}, time.Second)
		if failure != nil && failure.Code == -3 && strings.Contains(failure.Text, "refused") {
			break
		}
	}
	patient := lua.With(options, lua.Table{"delivery_timeout": 100})
	h.call("enqueue", patient, lua.Table{"topic": "t", "value": "x"})
	h.fails("flush", patient, lua.Table{}, unreachable, "refused")
	for end := time.Now().Add(soonSeconds * time.Second); ; time.Sleep(10 * time.Millisecond) {
		for _, line := range h.h.Lines() {
			if strings.Contains(line.Text, "a record that was enqueued is lost") && strings.Contains(line.Text, "refused") {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("nothing is logged of a record that was lost, or not why")
		}
	}
}

func TestABrokerThatComesBack(t *testing.T) {
	port := testhost.FreePorts(1)[0]
	options := lua.Table{"brokers": []string{fmt.Sprintf("127.0.0.1:%d", port)}}
	h := load(t)
	h.call("enqueue", options, lua.Table{"topic": "t", "value": "x"})
	h.fails("flush", options, lua.Table{}, unreachable, "refused")
	fake(t, kfake.Ports(port), kfake.SeedTopics(1, "t"))
	h.call("send", options, lua.Table{"topic": "t", "value": "y"})
	s := h.open("consume", options, lua.Table{"id": "1", "topics": []string{"t"}})
	if values := s.values(2); values != "x y" {
		t.Error(values)
	}
	h.call("trouble", options, lua.Table{"id": "1"})
}

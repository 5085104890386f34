package identity

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/certificate"
)

// connect connects a client to a server. It returns how many certificates the server has got, and the errors of both.
func connect(t *testing.T, client, server *tls.Config) (certificates int, clientErr, serverErr error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var conn net.Conn
		if conn, serverErr = listener.Accept(); serverErr != nil {
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		s := tls.Server(conn, server)
		serverErr = s.Handshake()
		certificates = len(s.ConnectionState().PeerCertificates)
		_, _ = s.Write([]byte("x")) // so the client learns that it is not refused
	}()
	conn, err := net.DialTimeout("tcp", listener.Addr().String(), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, clientErr = tls.Client(conn, client).Read(make([]byte, 1))
	<-ended
	return certificates, clientErr, serverErr
}

func TestACertificateIsShownToWhoAsksForIt(t *testing.T) {
	own, foreign := certificate.New(t), certificate.New(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			name    string
			ca      *certificate.Certificate
			shown   *certificate.Certificate
			asks    tls.ClientAuthType
			refused bool
			gets    int
			hint    string
		}{
			{"not asked", own, own, tls.NoClientCert, false, 0, ""},
			{"accepted", own, own, tls.RequireAndVerifyClientCert, false, 1, "of the option tls.cert"},
			{"none", own, nil, tls.RequestClientCert, false, 0, "options tls.cert and tls.key"},
			{"none where one is demanded", own, nil, tls.RequireAnyClientCert, true, 0, "options tls.cert and tls.key"},
			{"another certificate", own, foreign, tls.RequireAndVerifyClientCert, true, 0, "may not trust"},
			{"a server that is not trusted", foreign, nil, tls.RequireAnyClientCert, true, 0, ""},
		} {
			client := &tls.Config{RootCAs: c.ca.Pool(), ServerName: "127.0.0.1", MaxVersion: version}
			if c.shown != nil {
				client.Certificates = []tls.Certificate{c.shown.Certificate}
			}
			server := &tls.Config{Certificates: []tls.Certificate{own.Certificate}, ClientAuth: c.asks, ClientCAs: own.Pool()}
			i := Of(client)
			gets, clientErr, serverErr := connect(t, client, server)
			if gets != c.gets || (serverErr != nil) != c.refused || (clientErr != nil) != c.refused {
				t.Errorf("%s: %d certificates, %v, %v; want %d, refused %v", c.name, gets, clientErr, serverErr, c.gets, c.refused)
			}
			if hint := i.Hint(); (hint == "") != (c.hint == "") || !strings.Contains(hint, c.hint) {
				t.Errorf("%s: %q; want … %s", c.name, hint, c.hint)
			}
		}
	}
}

func TestAClientWithoutTLSHasNoHint(t *testing.T) {
	if hint := (*Identity)(nil).Hint(); hint != "" {
		t.Error(hint)
	}
}

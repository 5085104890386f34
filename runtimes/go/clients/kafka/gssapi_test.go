package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/kerberos"
)

// kerberosOf is the mechanism of a client whose KDC is at an address.
func kerberosOf(t *testing.T, r *reach, kdc string) *kerberized {
	t.Helper()
	config := filepath.Join(t.TempDir(), "krb5.conf")
	text := "[realms]\nTEST.ORG = {\nkdc = " + kdc + "\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := gssapiOptions{Realm: "TEST.ORG", Config: config}
	m, err := o.mechanism("ann", "secret", r)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*kerberized)
}

func TestAKDCThatPanicsGokrb5(t *testing.T) {
	// A list of encryption types that is empty, in the form of RFC 1510.
	data := []byte("\x30\x0d\x30\x0b\xa1\x03\x02\x01\x0b\xa2\x04\x04\x02\x30\x00")
	refusal := messages.NewKRBError(types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/TEST.ORG"), "TEST.ORG",
		errorcode.KDC_ERR_PREAUTH_REQUIRED, "")
	refusal.EData = data
	reply, err := refusal.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	kdc := serves(t, func(conn net.Conn) {
		var size uint32
		if binary.Read(conn, binary.BigEndian, &size) == nil {
			_, _ = io.CopyN(io.Discard, conn, int64(size))
		}
		_, _ = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
	})
	m := kerberosOf(t, newReach(net.Dialer{}, ""), kdc)
	for range 2 { // the first one has let the second one have its turn
		if _, _, err := m.Authenticate(t.Context(), "127.0.0.1:1"); err == nil ||
			!strings.Contains(err.Error(), "a message of Kerberos makes no sense (runtime error") {
			t.Error(err)
		}
	}
}

func TestASilentKDCIsWhatIsWaitedFor(t *testing.T) {
	asked := make(chan struct{}, 1)
	kdc := serves(t, func(conn net.Conn) {
		asked <- struct{}{}
		swallow(conn)
	})
	r := newReach(net.Dialer{}, "")
	m := kerberosOf(t, r, kdc)
	r.waits("127.0.0.1:1", silent)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, _, err := m.Authenticate(ctx, "127.0.0.1:1")
		ended <- err
	}()
	<-asked
	if err := r.reason(); err == nil || !strings.Contains(err.Error(), "broker 127.0.0.1:1: Kerberos: the KDC does not answer") {
		t.Error(err)
	}
	// The ticket for another broker is in use, so that broker's connection authenticates again.
	go func() {
		_, _, err := m.Authenticate(ctx, "127.0.0.2:2")
		ended <- err
	}()
	cancel()
	for range 2 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if err := r.reason(); err == nil || !strings.Contains(err.Error(), "broker 127.0.0.1:1: "+silent) {
		t.Error(err)
	}
}

func TestWhatABrokerAnswersToATicket(t *testing.T) {
	key := types.EncryptionKey{KeyType: etypeID.AES256_CTS_HMAC_SHA1_96, KeyValue: make([]byte, 32)}
	offer := func(key types.EncryptionKey, payload string) string {
		et, err := crypto.GetEtype(key.KeyType)
		if err != nil {
			t.Fatal(err)
		}
		token := gssapi.WrapToken{Flags: 1, EC: uint16(et.GetHMACBitLength() / 8), Payload: []byte(payload)}
		if err := token.SetCheckSum(key, keyusage.GSSAPI_ACCEPTOR_SEAL); err != nil {
			t.Fatal(err)
		}
		text, err := token.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	other := types.EncryptionKey{KeyType: key.KeyType, KeyValue: []byte(strings.Repeat("k", 32))}
	right := offer(key, "\x01\x00\x00\x00")
	client := kerberos.NewClient(kerberos.Options{})
	answers := func(challenge string) (bool, []byte, error) {
		return (&kerberizedSession{client, &kerberos.Ticket{Key: key}}).Challenge([]byte(challenge))
	}

	done, text, err := answers(right)
	var token gssapi.WrapToken
	if err != nil || !done || token.Unmarshal(text, false) != nil || string(token.Payload) != "\x01\x00\x00\x00" {
		t.Error(done, text, err)
	}
	for _, c := range []struct{ challenge, words string }{
		{"", "makes no sense"},
		{"garbage", "makes no sense"},
		{offer(other, "\x01\x00\x00\x00"), "cannot read the Kerberos ticket"},
		{offer(key, "\x06\x00\xff\xff"), "protect what follows"},
		{offer(key, "\x01"), "protect what follows"},
	} {
		if done, _, err := answers(c.challenge); done || err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%v, %v; want … %s", done, err, c.words)
		}
	}
	for at := range right { // whatever is altered or left out is an error, and no panic
		for _, altered := range []string{right[:at], fmt.Sprint(right[:at], "\xff", right[at+1:])} {
			if _, _, err := answers(altered); err == nil && altered != right {
				// Rotation and length of a token are not covered by its checksum: RFC 4121, 4.2.4.
				if at < 4 || at > 7 {
					t.Errorf("%q is fine", altered)
				}
			}
		}
	}
}

package kerberos

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	// All tests are linked with libresty_ffi.so (package.json); Go's own linker, which is taken where only the standard library
	// has C, forgets where it is.
	_ "github.com/resty-ffi/resty-ffi/runtimes/go"
)

const (
	realm    = "TEST.ORG"
	password = "secret"
)

// server has every connection served by f; it is closed with the test.
func server(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// request reads one. A connection that is closed before is reset, and what was sent may be lost.
func request(conn net.Conn) []byte {
	var size uint32
	if binary.Read(conn, binary.BigEndian, &size) != nil {
		return nil
	}
	text := make([]byte, size)
	_, _ = io.ReadFull(conn, text)
	return text
}

// replies makes a KDC of a function from a request to its reply.
func replies(t *testing.T, f func(request []byte) []byte) string {
	return server(t, func(conn net.Conn) {
		reply := f(request(conn))
		_, _ = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
	})
}

func refuses(t *testing.T, code int32, data []byte) func([]byte) []byte {
	return func([]byte) []byte {
		e := messages.NewKRBError(types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+realm), realm, code, "")
		e.EData = data
		return marshalled(t, &e)
	}
}

func marshalled(t *testing.T, m interface{ Marshal() ([]byte, error) }) []byte {
	text, err := m.Marshal()
	if err != nil {
		t.Error(err)
	}
	return text
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// options are those of a client with a password whose realm has these KDCs.
func options(t *testing.T, kdcs ...string) Options {
	t.Helper()
	text := "[libdefaults]\ndefault_realm = " + realm + "\n[realms]\n" + realm + " = {\n"
	for _, kdc := range kdcs {
		text += "kdc = " + kdc + "\n"
	}
	return Options{User: "ann", Password: password, Service: "kafka", Config: file(t, "krb5.conf", text+"}\n")}
}

// fakeKDC gives everybody what is asked for.
type fakeKDC struct {
	t        *testing.T
	lifetime time.Duration
	// refer is where tickets for services are to be had, if not here.
	refer string
	// forgets has it refuse all tickets that were granted before.
	forgets           atomic.Bool
	logins, tickets   atomic.Int32
	clientKey, forAll types.EncryptionKey
}

func newFakeKDC(t *testing.T) *fakeKDC {
	client := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, "ann")
	encryption := etypeID.AES256_CTS_HMAC_SHA1_96
	key, et, err := crypto.GetKeyFromPassword(password, client, realm, encryption, nil)
	if err != nil {
		t.Fatal(err)
	}
	forAll := types.EncryptionKey{KeyType: encryption, KeyValue: make([]byte, et.GetKeyByteSize())}
	return &fakeKDC{t: t, lifetime: time.Hour, clientKey: key, forAll: forAll}
}

func (k *fakeKDC) reply(request []byte) []byte {
	var login messages.ASReq
	if login.Unmarshal(request) == nil {
		k.logins.Add(1)
		k.forgets.Store(false)
		fields := k.granted(login.ReqBody, msgtype.KRB_AS_REP, k.clientKey, keyusage.AS_REP_ENCPART)
		return marshalled(k.t, &messages.ASRep{KDCRepFields: fields})
	}
	var ask messages.TGSReq
	if err := ask.Unmarshal(request); err != nil {
		k.t.Error(err)
	}
	if k.forgets.Load() {
		return refuses(k.t, errorcode.KRB_AP_ERR_BAD_INTEGRITY, nil)(nil)
	}
	k.tickets.Add(1)
	if k.refer != "" && ask.ReqBody.SName.NameString[0] != "krbtgt" {
		ask.ReqBody.SName = types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+k.refer)
	}
	fields := k.granted(ask.ReqBody, msgtype.KRB_TGS_REP, k.forAll, keyusage.TGS_REP_ENCPART_SESSION_KEY)
	return marshalled(k.t, &messages.TGSRep{KDCRepFields: fields})
}

func (k *fakeKDC) granted(ask messages.KDCReqBody, kind int, key types.EncryptionKey, usage uint32) messages.KDCRepFields {
	now := time.Now().UTC().Truncate(time.Second)
	part := messages.EncKDCRepPart{
		Key: k.forAll, LastReqs: []messages.LastReq{}, Nonce: ask.Nonce, Flags: types.NewKrbFlags(), AuthTime: now,
		StartTime: now, EndTime: now.Add(k.lifetime), SRealm: ask.Realm, SName: ask.SName,
	}
	sealed, err := crypto.GetEncryptedData(marshalled(k.t, &part), key, usage, 1)
	if err != nil {
		k.t.Error(err)
	}
	return messages.KDCRepFields{
		PVNO: iana.PVNO, MsgType: kind, CRealm: realm, CName: ask.CName, EncPart: sealed,
		Ticket: messages.Ticket{TktVNO: iana.PVNO, Realm: ask.Realm, SName: ask.SName, EncPart: sealed},
	}
}

package kerberos

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

func get(t *testing.T, c *Client) *Ticket {
	t.Helper()
	ticket, err := c.Ticket(t.Context(), "Broker.test.org")
	if err != nil {
		t.Fatal(err)
	}
	if name := ticket.SName.PrincipalNameString(); name != "kafka/broker.test.org" {
		t.Error(name)
	}
	return ticket
}

func fails(t *testing.T, o Options, refused bool, words string) {
	t.Helper()
	_, err := NewClient(o).Ticket(t.Context(), "broker")
	var refusal *RefusedError
	if err == nil || !strings.Contains(err.Error(), words) || errors.As(err, &refusal) != refused {
		t.Errorf("%v; want … %s", err, words)
	}
}

func TestATicketIsUsedAgainOnceItWasAccepted(t *testing.T) {
	kdc := newFakeKDC(t)
	client := NewClient(options(t, replies(t, kdc.reply)))
	first := get(t, client)
	if second := get(t, client); second == first {
		t.Error("a ticket that nobody has accepted")
	}
	client.Accepted(first)
	if third := get(t, client); third != first {
		t.Error("not the one that was accepted")
	}
	if logins, tickets := kdc.logins.Load(), kdc.tickets.Load(); logins != 1 || tickets != 2 {
		t.Error(logins, tickets)
	}
}

func TestATicketThatEndsSoonIsNotUsedAgain(t *testing.T) {
	kdc := newFakeKDC(t)
	kdc.lifetime = margin - time.Second
	client := NewClient(options(t, replies(t, kdc.reply)))
	client.Accepted(get(t, client))
	get(t, client)
	if logins, tickets := kdc.logins.Load(), kdc.tickets.Load(); logins != 2 || tickets != 2 {
		t.Error(logins, tickets)
	}
}

func TestAKDCThatForgets(t *testing.T) {
	kdc := newFakeKDC(t)
	client := NewClient(options(t, replies(t, kdc.reply)))
	get(t, client)
	kdc.forgets.Store(true)
	get(t, client)
	if logins := kdc.logins.Load(); logins != 2 {
		t.Error(logins)
	}
}

func TestAServiceOfAnotherRealm(t *testing.T) {
	home, away := newFakeKDC(t), newFakeKDC(t)
	home.refer = "AWAY.ORG"
	there := "[realms]\n" + realm + " = {\nkdc = " + replies(t, home.reply) + "\n}\nAWAY.ORG = {\nkdc = " + replies(t, away.reply) + "\n}\n"
	for _, how := range []string{"", "[domain_realm]\n.test.org = AWAY.ORG\n"} {
		o := options(t)
		o.Realm, o.Config = realm, file(t, "krb5.conf", there+how)
		if ticket := get(t, NewClient(o)); ticket.Ticket.Realm != "AWAY.ORG" || ticket.Realm != realm {
			t.Error(ticket.Ticket.Realm, ticket.Realm)
		}
	}
	away.refer = realm
	o := options(t)
	o.Realm, o.Config = realm, file(t, "krb5.conf", there)
	fails(t, o, false, "more than 5 realms")
}

func TestTheNextKDCIsAsked(t *testing.T) {
	closed := server(t, func(net.Conn) {})
	resting := replies(t, refuses(t, errorcode.KDC_ERR_SVC_UNAVAILABLE, nil))
	get(t, NewClient(options(t, closed, resting, replies(t, newFakeKDC(t).reply))))
	fails(t, options(t, resting), false, "out of service")
	fails(t, options(t, closed, closed), false, closed+": it closed the connection without a reply; the KDC "+closed)
}

func TestASilentKDC(t *testing.T) {
	silent := server(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	client := NewClient(options(t, silent, silent))
	limited, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := client.Ticket(limited, "broker")
	if err == nil || strings.Count(err.Error(), silent+": it accepts connections, and does not answer") != 2 {
		t.Error(err)
	}

	// One that waits for the client's other connection ends as well; one with a ticket does not wait.
	client.turn <- struct{}{}
	if _, err := client.Ticket(limited, "broker"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	kept := &Ticket{host: "broker", until: time.Now().Add(time.Hour)}
	client.Accepted(kept)
	if ticket, err := client.Ticket(limited, "broker"); ticket != kept {
		t.Error(err)
	}
}

func TestAKDCThatIsNone(t *testing.T) {
	for _, c := range []struct{ bytes, words string }{
		{"\xff\xff\xff\xff", "a reply of 4294967295 bytes"},
		{"\x00\x00\x00\x00", "a reply of 0 bytes"},
		{"\x00\x00\x00\x05abc", "closed the connection"},
		{"\x00\x00\x00\x05abcde", "makes no sense"},
		{"\x00\x00\x00\x05\x6b\x84\xff\xff\xff", "makes no sense"},
		{"\x7e\x02", "a reply of"},
	} {
		fails(t, options(t, server(t, func(conn net.Conn) {
			request(conn)
			_, _ = conn.Write([]byte(c.bytes + "HTTP/1.1"[:max(0, 4-len(c.bytes))]))
		})), false, c.words)
	}
}

func TestRefusals(t *testing.T) {
	for code, words := range map[int32]string{
		errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN: "sasl.user and sasl.realm",
		errorcode.KDC_ERR_PREAUTH_FAILED:      "the option sasl.password is wrong",
		errorcode.KRB_AP_ERR_SKEW:             "set this machine's clock",
		errorcode.KDC_ERR_ETYPE_NOSUPP:        "keys of AES",
		errorcode.KDC_ERR_CLIENT_REVOKED:      "revoked",
	} {
		fails(t, options(t, replies(t, refuses(t, code, nil))), true, words)
	}
	o := options(t, replies(t, newFakeKDC(t).reply))
	o.Password = "wrong"
	fails(t, o, true, "the option sasl.password may be wrong")
}

func TestWhatAKDCWantsAsAProof(t *testing.T) {
	const info2, types = "\xa1\x03\x02\x01\x13", "\xa0\x03\x02\x01"
	list := func(kind byte, text string) string { return string([]byte{kind, byte(len(text))}) + text }
	data := func(entries string) []byte {
		return []byte(list('0', list('0', info2+list('\xa2', list('\x04', list('0', entries))))))
	}
	for _, c := range []struct {
		data  []byte
		words string
	}{
		{nil, "does not say what proof"},
		{[]byte("nonsense"), "does not say what proof"},
		{data(""), "does not say what proof"},
		{data(list('0', types+"\x17")), "encryption type 23"},
		{data(list('0', types+"\x12"+list('\xa2', "\x04\x04\x00\x00\x00\x00"))), "iterations"},
		{data(list('0', types+"\x12"+list('\xa2', "\x04\x04\xff\xff\xff\xff"))), "iterations"},
		{data(list('0', types+"\x12"+list('\xa2', "\x04\x01\xff"))), "make no sense"},
		{data(list('0', types+"\x12"+list('\xa2', "\x04\x04\x00\x00\x10\x00"))), "PREAUTH_REQUIRED"},
	} {
		kdc := replies(t, refuses(t, errorcode.KDC_ERR_PREAUTH_REQUIRED, c.data))
		fails(t, options(t, kdc), strings.HasPrefix(c.words, "PREAUTH"), c.words)
	}
}

func TestAKeytab(t *testing.T) {
	kdc := newFakeKDC(t)
	o := options(t, replies(t, kdc.reply))
	o.Password, o.Keytab = "", "/nowhere"
	fails(t, o, false, "the option sasl.keytab: open /nowhere")

	keys := keytab.New()
	for k, word := range []string{"old", password} {
		if err := keys.AddEntry("ann", realm, word, time.Unix(1, 0), uint8(k), etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			t.Fatal(err)
		}
	}
	text, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	o.Keytab = file(t, "ann.keytab", string(text))
	get(t, NewClient(o))

	o.User = "bob"
	fails(t, o, false, "has no key of AES for bob@"+realm)
	o.Keytab = file(t, "text", "a text")
	fails(t, o, false, "is not a keytab")

	secretKey := string(keys.Entries[1].Key.KeyValue)
	for size := range text {
		o.Keytab = file(t, "part", string(text[:size]))
		_, err := NewClient(o).Ticket(t.Context(), "broker")
		if err == nil || strings.Contains(err.Error(), secretKey[:8]) {
			t.Error(size, err)
		}
	}
}

func TestFilesAreReadForEachLogin(t *testing.T) {
	kdc := newFakeKDC(t)
	o := options(t, replies(t, kdc.reply))
	right, err := os.ReadFile(o.Config)
	if err != nil {
		t.Fatal(err)
	}
	o.Config = filepath.Join(t.TempDir(), "krb5.conf")
	client := NewClient(o)
	for _, c := range []struct{ text, words string }{
		{"", "the option sasl.realm is missing"},
		{"[libdefaults]\ndefault_realm = ELSE.ORG\n", `the realm "ELSE.ORG" has no kdc`},
		{"[libdefaults]\nnonsense\n", "the option sasl.config"},
		{strings.Repeat("#", maxFile+1), "is larger than"},
	} {
		if c.text == "" {
			fails(t, o, false, "the option sasl.config: open ")
		}
		if err := os.WriteFile(o.Config, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Ticket(t.Context(), "broker"); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%v; want … %s", err, c.words)
		}
	}
	if err := os.WriteFile(o.Config, right, 0o600); err != nil {
		t.Fatal(err)
	}
	get(t, client)
}

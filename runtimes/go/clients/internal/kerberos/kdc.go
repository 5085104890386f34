package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// maxReply bounds the reply of a KDC. The tickets of Active Directory, which are the largest, have up to 64 KB.
const maxReply = 1 << 20

// reply is the reply of a KDC, with the address of the KDC.
type reply struct {
	text []byte
	kdc  string
}

// ask sends a request to the KDCs of a realm, one after the other until one answers. They share the time until ctx is done.
func ask(ctx context.Context, conf *config.Config, realm string, request []byte) (reply, error) {
	kdcs, err := kdcsOf(ctx, conf, realm)
	if err != nil {
		return reply{}, err
	}
	var failures []string
	for k, kdc := range kdcs {
		text, err := exchange(ctx, kdc, request, len(kdcs)-k)
		if err == nil {
			answer := reply{text, kdc}
			refusal, refused := answer.refusal()
			if !refused || refusal.ErrorCode != errorcode.KDC_ERR_SVC_UNAVAILABLE {
				return answer, nil
			}
			err = errors.New("it says that it is out of service")
		}
		failures = append(failures, fmt.Sprintf("the KDC %s: %v", kdc, err))
		if ctx.Err() != nil {
			break
		}
	}
	return reply{}, errors.New(strings.Join(failures, "; "))
}

func kdcsOf(ctx context.Context, conf *config.Config, realm string) ([]string, error) {
	for _, r := range conf.Realms {
		if r.Realm == realm && len(r.KDC) > 0 {
			return r.KDC, nil
		}
	}
	if !conf.LibDefaults.DNSLookupKDC {
		return nil, fmt.Errorf("the realm %q has no kdc in the file of the option sasl.config, nor is there dns_lookup_kdc", realm)
	}
	_, records, err := net.DefaultResolver.LookupSRV(ctx, "kerberos", "tcp", realm)
	if err != nil {
		return nil, fmt.Errorf("the KDCs of the realm %q: %w", realm, err)
	}
	var kdcs []string
	for _, r := range records {
		kdcs = append(kdcs, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
	}
	return kdcs, nil
}

// exchange sends a request to a KDC, and waits at most the time that is left divided by shares.
func exchange(ctx context.Context, kdc string, request []byte, shares int) ([]byte, error) {
	patience := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline) / time.Duration(shares)
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(limited, "tcp", kdc)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(limited, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	text, err := talk(conn, request)
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		return nil, errors.New("it accepts connections, and does not answer")
	}
	return text, err
}

func talk(conn net.Conn, request []byte) ([]byte, error) {
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(request)), uint32(len(request)))
	if _, err := conn.Write(append(framed, request...)); err != nil {
		return nil, ended(err)
	}
	var header [4]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return nil, ended(err)
	}
	size := binary.BigEndian.Uint32(header[:])
	if size == 0 || size > maxReply {
		return nil, fmt.Errorf("it announces a reply of %d bytes: it is not a KDC", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(conn, text); err != nil {
		return nil, ended(err)
	}
	return text, nil
}

// ended replaces the error of a connection that the KDC has closed, which could be mistaken for an error of the broker.
func ended(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE):
		return errors.New("it closed the connection without a reply")
	}
	return err
}

// refusal returns the error in a reply, if the reply is one.
func (r reply) refusal() (messages.KRBError, bool) {
	var e messages.KRBError
	return e, e.Unmarshal(r.text) == nil
}

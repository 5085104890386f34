package kerberos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
)

const (
	maxFile = 1 << 20
	// maxIterations bounds the work that a KDC may demand for a key from a password. Usual numbers are 4096 and 32768.
	maxIterations = 1 << 20
)

// aes has the encryption types that are requested. Older ones are broken, and need another kind of GSSAPI token.
var aes = []int32{
	etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96,
	etypeID.AES256_CTS_HMAC_SHA384_192, etypeID.AES128_CTS_HMAC_SHA256_128,
}

// secret is the password or the keys with which a client proves its identity.
type secret struct {
	*credentials.Credentials
	client types.PrincipalName
	types  []int32 // of encryption
	option string
}

func (o *Options) secret(client types.PrincipalName, realm string) (*secret, error) {
	s := &secret{credentials.NewFromPrincipalName(client, realm), client, aes, "sasl.password"}
	if o.Keytab == "" {
		s.WithPassword(o.Password)
		return s, nil
	}
	s.option = "sasl.keytab"
	text, err := readFile(s.option, o.Keytab)
	if err != nil {
		return nil, err
	}
	keys := keytab.New()
	if keys.Unmarshal(text) != nil { // the error's text has keys in it
		return nil, fmt.Errorf("the option sasl.keytab: %q is not a keytab", o.Keytab)
	}
	s.WithKeytab(keys)
	s.types = nil
	for _, t := range aes {
		if _, _, err := s.fromKeytab(t); err == nil {
			s.types = append(s.types, t)
		}
	}
	if s.types == nil {
		return nil, fmt.Errorf("the option sasl.keytab: %q has no key of AES for %s@%s", o.Keytab, o.User, realm)
	}
	return s, nil
}

// key returns the key of an encryption type, and its version. told is what the KDC has sent about keys.
func (s *secret) key(encryption int32, told types.PADataSequence) (types.EncryptionKey, int, error) {
	if s.HasKeytab() {
		return s.fromKeytab(encryption)
	}
	if err := affordable(told); err != nil {
		return types.EncryptionKey{}, 0, err
	}
	key, _, err := crypto.GetKeyFromPassword(s.Password(), s.client, s.Domain(), encryption, told)
	return key, 0, err
}

// fromKeytab returns the newest key of an encryption type, and its version.
func (s *secret) fromKeytab(encryption int32) (key types.EncryptionKey, version int, err error) {
	for _, e := range s.Keytab().Entries {
		if e.Principal.Realm == s.Domain() && slices.Equal(e.Principal.Components, s.client.NameString) &&
			e.Key.KeyType == encryption && int(e.KVNO) >= version && len(e.Key.KeyValue) > 0 {
			key, version = e.Key, int(e.KVNO)
		}
	}
	if key.KeyValue == nil {
		err = errors.New("the option sasl.keytab: the keytab has no key of the type that the KDC wants")
	}
	return key, version, err
}

// affordable returns an error if a KDC demands too much work for a key from a password.
func affordable(told types.PADataSequence) error {
	for _, data := range told {
		if data.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		entries, err := data.GetETypeInfo2()
		if err != nil {
			return err
		}
		for _, e := range entries {
			if len(e.S2KParams) == 0 {
				continue
			}
			if len(e.S2KParams) != 4 {
				return errors.New("it sends parameters for a key that make no sense")
			}
			// 0 stands for 2^32.
			if n := binary.BigEndian.Uint32(e.S2KParams); n == 0 || n > maxIterations {
				return fmt.Errorf("it wants a key from the password by more than %d iterations", maxIterations)
			}
		}
	}
	return nil
}

func readFile(option, path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the option %s: %w", option, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("the option %s: %w", option, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("the option %s: %q is larger than %d bytes", option, path, maxFile)
	}
	return text, nil
}

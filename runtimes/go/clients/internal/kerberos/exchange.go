package kerberos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// maxReferrals bounds the number of realms that KDCs refer a client to.
const maxReferrals = 5

// authenticate gets the granting ticket, with which a client gets other tickets (RFC 4120, 3.1).
func authenticate(ctx context.Context, conf *config.Config, client types.PrincipalName, realm string,
	s *secret) (*Ticket, error) {
	conf.LibDefaults.DefaultTktEnctypeIDs, conf.LibDefaults.DefaultTGSEnctypeIDs = s.types, aes
	conf.LibDefaults.RenewLifetime = 0
	request, err := messages.NewASReqForTGT(realm, conf, client)
	if err != nil {
		return nil, err
	}
	answer, err := send(ctx, conf, realm, &request)
	if err != nil {
		return nil, err
	}
	refusal, refused := answer.refusal()
	if refused && refusal.ErrorCode == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		proof, err := s.proof(refusal)
		if err != nil {
			return nil, fmt.Errorf("the KDC %s: %w", answer.kdc, err)
		}
		request.PAData = append(request.PAData, proof)
		if answer, err = send(ctx, conf, realm, &request); err != nil {
			return nil, err
		}
		refusal, refused = answer.refusal()
	}
	if refused {
		return nil, explained(answer.kdc, refusal, fmt.Sprintf("%s@%s", client.PrincipalNameString(), realm), s.option)
	}
	var granted messages.ASRep
	if err := granted.Unmarshal(answer.text); err != nil {
		return nil, garbled(answer.kdc, err)
	}
	if err := affordable(granted.PAData); err != nil {
		return nil, fmt.Errorf("the KDC %s: %w", answer.kdc, err)
	}
	if ok, err := granted.Verify(conf, s.Credentials, request); !ok {
		return nil, &RefusedError{fmt.Sprintf("the KDC %s sends a ticket that cannot be read: the option %s may be wrong (%v)",
			answer.kdc, s.option, err)}
	}
	return ticketOf(granted.KDCRepFields, client, realm), nil
}

// proof returns the encrypted time, with an encryption type that the KDC asks for.
func (s *secret) proof(asked messages.KRBError) (types.PAData, error) {
	var told types.PADataSequence
	if err := told.Unmarshal(asked.EData); err != nil {
		return types.PAData{}, errors.New("it does not say what proof it wants")
	}
	encryption := s.types[0]
	for _, data := range told {
		if data.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		entries, err := data.GetETypeInfo2()
		if err != nil || len(entries) == 0 {
			return types.PAData{}, errors.New("it does not say what proof it wants")
		}
		encryption = entries[0].EType
	}
	if !slices.Contains(s.types, encryption) {
		return types.PAData{}, fmt.Errorf("it wants a proof by encryption type %d, which it was not offered", encryption)
	}
	key, version, err := s.key(encryption, told)
	if err != nil {
		return types.PAData{}, err
	}
	now, err := types.GetPAEncTSEncAsnMarshalled()
	if err != nil {
		return types.PAData{}, err
	}
	sealed, err := crypto.GetEncryptedData(now, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, version)
	if err != nil {
		return types.PAData{}, err
	}
	text, err := sealed.Marshal()
	return types.PAData{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: text}, err
}

// forService gets a ticket for the service on a host (RFC 4120, 3.3). If the host is of another realm, the KDCs refer the
// client to it.
func forService(ctx context.Context, conf *config.Config, granting *Ticket, service, host string) (*Ticket, error) {
	target := types.NewPrincipalName(nametype.KRB_NT_SRV_HST, service+"/"+host)
	at, realm := granting.Realm, granting.Realm
	if mapped := conf.ResolveRealm(host); mapped != "" {
		realm = mapped
	}
	for range maxReferrals + 1 {
		name := target
		if at != realm {
			name = types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+realm)
		}
		got, err := next(ctx, conf, granting, at, name)
		if err != nil {
			return nil, err
		}
		parts := got.SName.NameString
		switch {
		case got.SName.Equal(target):
			got.host = host
			return got, nil
		case len(parts) != 2 || parts[0] != "krbtgt" || parts[1] == at:
			return nil, fmt.Errorf("the KDC of %s sends a ticket for %s, where it was asked for %s",
				at, got.SName.PrincipalNameString(), name.PrincipalNameString())
		}
		granting, at = got, parts[1]
		if name.Equal(target) {
			realm = at
		}
	}
	return nil, fmt.Errorf("the KDCs send us through more than %d realms", maxReferrals)
}

// next gets a ticket from the KDC of a realm.
func next(ctx context.Context, conf *config.Config, granting *Ticket, at string,
	name types.PrincipalName) (*Ticket, error) {
	request, err := messages.NewTGSReq(granting.Client, at, conf, granting.Ticket, granting.Key, name, false)
	if err != nil {
		return nil, err
	}
	answer, err := send(ctx, conf, at, &request)
	if err != nil {
		return nil, err
	}
	if refusal, refused := answer.refusal(); refused {
		return nil, explained(answer.kdc, refusal, fmt.Sprintf("%s@%s", name.PrincipalNameString(), at), "")
	}
	var granted messages.TGSRep
	if err := granted.Unmarshal(answer.text); err != nil {
		return nil, garbled(answer.kdc, err)
	}
	if err := granted.DecryptEncPart(granting.Key); err != nil {
		return nil, garbled(answer.kdc, err)
	}
	if ok, err := granted.Verify(conf, request); !ok {
		return nil, garbled(answer.kdc, err)
	}
	if !granted.Ticket.SName.Equal(granted.DecryptedEncPart.SName) {
		return nil, garbled(answer.kdc, errors.New("two names for one ticket"))
	}
	return ticketOf(granted.KDCRepFields, granting.Client, granting.Realm), nil
}

func send(ctx context.Context, conf *config.Config, realm string, request interface{ Marshal() ([]byte, error) }) (reply, error) {
	text, err := request.Marshal()
	if err != nil {
		return reply{}, err
	}
	return ask(ctx, conf, realm, text)
}

func garbled(kdc string, err error) error {
	return fmt.Errorf("the KDC %s sends a reply that makes no sense: %w", kdc, err)
}

// explained returns the refusal of a KDC as an error with a hint.
func explained(kdc string, refusal messages.KRBError, name, option string) error {
	hint := ""
	switch refusal.ErrorCode {
	case errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN:
		hint = "; look at the options sasl.user and sasl.realm"
	case errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN:
		hint = "; look at the option sasl.service, and at the broker's name: the KDC has to know both together"
	case errorcode.KDC_ERR_PREAUTH_FAILED, errorcode.KRB_AP_ERR_BAD_INTEGRITY:
		hint = fmt.Sprintf("; the option %s is wrong", option)
	case errorcode.KRB_AP_ERR_SKEW:
		hint = "; set this machine's clock"
	case errorcode.KDC_ERR_ETYPE_NOSUPP:
		hint = "; it has to have keys of AES"
	}
	said := errorcode.Lookup(refusal.ErrorCode)
	if refusal.EText != "" {
		said = fmt.Sprintf("%s, %.200q", said, refusal.EText)
	}
	return &RefusedError{fmt.Sprintf("the KDC %s says of %s: %s%s", kdc, name, said, hint)}
}

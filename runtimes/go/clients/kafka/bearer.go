package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

// maxToken bounds how much of a token file is read.
const maxToken = 1 << 20

// bearerOptions have the token or the path of its file, which is read for each connection.
type bearerOptions struct {
	Token      string            `msgpack:"token"`
	TokenFile  string            `msgpack:"token_file"`
	Extensions map[string]string `msgpack:"extensions"`
}

func (o *bearerOptions) given() bool {
	return o.Token != "" || o.TokenFile != "" || len(o.Extensions) > 0
}

func (o *bearerOptions) mechanism() (sasl.Mechanism, error) {
	if (o.Token == "") == (o.TokenFile == "") {
		return nil, invalid("the options: OAUTHBEARER needs one of \"sasl.token\" and \"sasl.token_file\"")
	}
	return bearer{oauth.Oauth(func(context.Context) (oauth.Auth, error) {
		token, err := o.token()
		return oauth.Auth{Token: token, Extensions: o.Extensions}, err
	})}, nil
}

func (o *bearerOptions) token() (string, error) {
	if o.TokenFile == "" {
		return o.Token, nil
	}
	file, err := os.Open(o.TokenFile)
	if err != nil {
		return "", fmt.Errorf("the option sasl.token_file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken))
	if err != nil {
		return "", fmt.Errorf("the option sasl.token_file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("the option sasl.token_file: %q holds no token", o.TokenFile)
	}
	return token, nil
}

// bearer is the mechanism OAUTHBEARER. A broker sends the reason for refusing a token before it fails the authentication.
// franz-go ignores that reason.
type bearer struct{ sasl.Mechanism }

type bearerSession struct{ sasl.Session }

func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, text, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{session}, text, err
}

func (s bearerSession) Challenge(refusal []byte) (bool, []byte, error) {
	if len(refusal) > 0 {
		return false, nil, fmt.Errorf("%w: the token is refused: %.500q", kerr.SaslAuthenticationFailed, refusal)
	}
	return s.Session.Challenge(refusal)
}

package main

import (
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type saslOptions struct {
	Mechanism string `msgpack:"mechanism"`
	User      string `msgpack:"user"`
	Password  string `msgpack:"password"`
	bearerOptions
	gssapiOptions
}

func (o *saslOptions) mechanism(r *reach) (sasl.Mechanism, error) {
	if o.Mechanism != "OAUTHBEARER" && o.bearerOptions.given() {
		return nil, invalid("the options: \"sasl.token\", \"token_file\" and \"extensions\" are for the mechanism OAUTHBEARER")
	}
	if o.Mechanism != "GSSAPI" && (o.gssapiOptions != gssapiOptions{}) {
		return nil, invalid("the options: \"sasl.realm\", \"keytab\", \"service\" and \"config\" are for the mechanism GSSAPI")
	}
	switch o.Mechanism {
	case "", "PLAIN":
		return plain.Auth{User: o.User, Pass: o.Password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: o.User, Pass: o.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: o.User, Pass: o.Password}.AsSha512Mechanism(), nil
	case "OAUTHBEARER":
		return o.bearerOptions.mechanism()
	case "GSSAPI":
		return o.gssapiOptions.mechanism(o.User, o.Password, r)
	}
	return nil, invalid("the options: \"sasl.mechanism\" must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI, "+
		"not %q", o.Mechanism)
}

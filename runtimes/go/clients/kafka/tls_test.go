package main

import (
	"strings"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/certificate"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestABrokerThatAsksForACertificate(t *testing.T) {
	server, foreign := certificate.New(t), certificate.New(t)
	_, demanding := fake(t, kfake.TLS(server.Demanding()), kfake.SeedTopics(1, "t"))
	resetting := lua.Table{"brokers": []string{server.Resetting(t)}}
	const none = "(the server asked for a client certificate: options tls.cert and tls.key)"
	const another = "(the server asked for a client certificate, and may not trust that of the option tls.cert)"
	for name, c := range map[string]struct {
		brokers lua.Table
		shown   *certificate.Certificate
		hint    string
	}{
		"an alert, and we have none":   {demanding, nil, none},
		"an alert, and we have one":    {demanding, foreign, another},
		"a reset, and we have none":    {resetting, nil, none},
		"a reset, and we have one":     {resetting, server, another},
		"a reset, and ours is foreign": {resetting, foreign, another},
	} {
		t.Run(name, func(t *testing.T) {
			options := lua.Table{"ca": server.PEM}
			if c.shown != nil {
				options["cert"], options["key"] = c.shown.PEM, c.shown.Key
			}
			h := load(t)
			testhost.Soon(t, "the hint", func() bool {
				_, failure := h.try("topics", lua.With(c.brokers, lua.Table{"tls": options}), lua.Table{}, time.Second)
				return failure != nil && strings.Contains(failure.Text, c.hint) &&
					(failure.Code == clientFailed || failure.Code == unreachable)
			})
		})
	}
	h := load(t)
	own := lua.Table{"ca": server.PEM, "cert": server.PEM, "key": server.Key}
	h.call("topics", lua.With(demanding, lua.Table{"tls": own}), lua.Table{})
}

// What is wrong is the broker's certificate, although the broker asks for ours, too.
func TestABrokerThatIsNotTrustedAndAsksForACertificate(t *testing.T) {
	server, foreign := certificate.New(t), certificate.New(t)
	_, demanding := fake(t, kfake.TLS(server.Demanding()), kfake.SeedTopics(1, "t"))
	options := lua.With(demanding, lua.Table{"tls": lua.Table{"ca": foreign.PEM}})
	h := load(t)
	testhost.Soon(t, "the reason", func() bool {
		_, failure := h.try("topics", options, lua.Table{}, time.Second)
		if failure != nil && strings.Contains(failure.Text, "asked for a client certificate") {
			t.Error(failure)
		}
		return failure != nil && failure.Code == clientFailed && strings.Contains(failure.Text, "unknown authority")
	})
}

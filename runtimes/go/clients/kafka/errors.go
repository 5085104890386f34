package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// invalidRequest is Kafka's INVALID_REQUEST, for invalid input.
	invalidRequest = 42
	// clientFailed is for errors of the client, which have no code of Kafka.
	clientFailed = 1000
	// unreachable is for brokers that cannot be reached or do not answer; the client keeps trying.
	unreachable = 1001
)

var (
	errNotDelivered = restyffi.Errorf(clientFailed, "no broker took the record within the option delivery_timeout")
	errFull         = restyffi.Errorf(restyffi.CodeQueueFull, "the producer's buffer is full (option max_buffered)")
)

func invalid(format string, args ...any) error {
	return restyffi.Errorf(invalidRequest, format, args...)
}

// coded gives an error Kafka's code, if it has one.
func coded(err error) error {
	var known *kerr.Error
	var ours *restyffi.Error
	switch {
	case err == nil || errors.As(err, &ours) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &known):
		return restyffi.Errorf(int(known.Code), "%v", err)
	}
	return restyffi.Errorf(codeOfConnection(err), "%s", strings.TrimPrefix(err.Error(), "unable to dial: "))
}

// codeOfConnection returns the code of an error without a code of Kafka.
func codeOfConnection(err error) int {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	// crypto/tls has no exported type for an alert of the peer.
	case errors.As(err, &op) && op.Op == "remote error":
		return clientFailed
	case errors.As(err, &op), errors.As(err, &dns), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return unreachable
	}
	return clientFailed
}

// logger writes the log lines of franz-go to the host's log.
type logger struct{ to *slog.Logger }

func (logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l logger) Log(level kgo.LogLevel, message string, pairs ...any) {
	if level == kgo.LogLevelError {
		l.to.Error("kafka: "+message, pairs...)
	} else {
		l.to.Warn("kafka: "+message, pairs...)
	}
}

// codeOf returns the code and the message of an error inside an answer; 0 and "" without an error.
func codeOf(err error) (int, string) {
	var ours *restyffi.Error
	switch err = coded(err); {
	case err == nil:
		return 0, ""
	case errors.As(err, &ours):
		return ours.Code, ours.Message
	case errors.Is(err, context.DeadlineExceeded):
		return restyffi.CodeTimeout, err.Error()
	}
	return restyffi.CodeCancelled, err.Error()
}

package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// clientFailure is the code of what the client says, and not a broker.
const clientFailure = 1000

// failure is what the caller sees of an error: Kafka's code for it, and its words.
func failure(err error) error {
	var own *restyffi.Error
	var kafka *kerr.Error
	switch {
	case err == nil, errors.As(err, &own), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &kafka) && kafka.Code > 0:
		return restyffi.Errorf(int(kafka.Code), "%s", err.Error())
	}
	return restyffi.Errorf(clientFailure, "%s", err.Error())
}

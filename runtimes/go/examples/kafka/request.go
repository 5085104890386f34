package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// decode reads a request into the struct that request points to, and says what is wrong with it.
func decode(text []byte, request any) error {
	if len(text) == 0 {
		return invalid("a request in JSON was expected, and nothing was sent")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(request)
	if err == nil {
		if _, err := d.Token(); err != io.EOF {
			return invalid("the request has more text after its JSON")
		}
		return nil
	}
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return invalid("%q must be %s, got %s", kind.Field, describe(kind.Type), kind.Value)
	case errors.As(err, &kind):
		return invalid("the request must be an object, got %s", kind.Value)
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("the request is not JSON: %v", err)
	}
	return invalid("%s", strings.TrimPrefix(err.Error(), "json: "))
}

func describe(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("a whole number of %d bits", t.Bits())
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// invalid is the answer to a bad request: Kafka's own code for them.
func invalid(format string, args ...any) error {
	return restyffi.Errorf(int(kerr.InvalidRequest.Code), "%s", fmt.Sprintf(format, args...))
}

func missing(field string) error { return invalid("%q is missing", field) }

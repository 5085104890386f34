package restyffi

import (
	"errors"
	"fmt"
)

// The codes of the host, the same in every host and SDK. The codes that a library defines for itself are positive.
const (
	CodeTimeout     = -1  // no response before the deadline
	CodeCancelled   = -2  // the caller has gone
	CodeQueueFull   = -3  // too many calls are waiting, or the payload memory is used up
	CodeTooLarge    = -4  // the payload is larger than the limit
	CodeNoMethod    = -5  // the runtime has no method of this name
	CodeThrew       = -6  // the handler panicked, or returned an error without a code
	CodeExited      = -7  // the process of the runtime has ended
	CodeUnloaded    = -8  // the runtime has been unloaded
	CodeBadPhase    = -9  // the host cannot wait in this phase
	CodeBadArgument = -10 // the host cannot do what was asked
)

// An Error is an error with a code. A handler that returns an Error, or an error that wraps one, fails its call with this
// code and the text of the returned error. The methods of [Dict] return an Error when the host refuses a request.
type Error struct {
	// Code is positive if the library defines it, and otherwise one of the Code constants. An Error with the code 0, which
	// means success, fails its call with CodeThrew.
	Code int
	// Message is what the caller sees.
	Message string
}

// Errorf returns an [Error] with the given code and a message formatted as by [fmt.Sprintf].
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Message }

// describe returns the code and the text with which a handler's error fails the call. cancelled is the error of the call's
// context.
func describe(err, cancelled error) (code int32, text string) {
	// The methods of err belong to the library, and may panic, too.
	defer func() {
		if p := recover(); p != nil {
			code, text = CodeThrew, fmt.Sprintf("the handler failed with an error of type %T, whose methods panic: %v", err, p)
		}
	}()
	var coded *Error
	switch {
	case errors.As(err, &coded) && coded.Code != 0 && int(int32(coded.Code)) == coded.Code:
		return int32(coded.Code), err.Error()
	case cancelled != nil && errors.Is(err, cancelled):
		return CodeCancelled, err.Error()
	}
	return CodeThrew, err.Error()
}

// panicError is the error of a handler that panicked.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// errNoAnswer is the error of a handler that calls runtime.Goexit.
var errNoAnswer = errors.New("the handler ended its goroutine with runtime.Goexit instead of returning")

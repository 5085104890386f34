package restyffi

import (
	"errors"
	"fmt"
)

// The host's own codes, the same in every host and SDK. A runtime's own codes are positive.
const (
	CodeTimeout     = -1  // no answer before the deadline
	CodeCancelled   = -2  // nobody waits for the answer any more
	CodeQueueFull   = -3  // too many calls wait already, or the payload memory is used up
	CodeTooLarge    = -4  // a payload above the limit
	CodeNoMethod    = -5  // the runtime serves no method of this name
	CodeThrew       = -6  // the handler panicked, or failed without a code of its own
	CodeExited      = -7  // the runtime's process ended
	CodeUnloaded    = -8  // the runtime has been unloaded
	CodeBadPhase    = -9  // called where the host cannot wait
	CodeBadArgument = -10 // the host cannot do what it was asked for
)

// Error is an error with a code. A handler that returns one, or an error that wraps one, fails its call with this code;
// the caller sees the error's text. The host's shared dict fails with one.
type Error struct {
	// Code is the author's business if it is positive, and one of the Code constants if it is negative. 0 would mean
	// success: an error with this code is treated like one without.
	Code int
	// Message is what the caller sees.
	Message string
}

// Errorf makes an [Error] with the given code and a message formatted as by [fmt.Sprintf].
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Message }

// describe is what the caller sees of a handler's error. cancelled is the error of the call's context.
func describe(err, cancelled error) (code int32, text string) {
	// The methods of err are the author's code: they may panic, too.
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

// panicError is what a panic of a handler becomes.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// errNoAnswer is what a handler that calls runtime.Goexit leaves behind.
var errNoAnswer = errors.New("the handler ended its goroutine with runtime.Goexit instead of returning")

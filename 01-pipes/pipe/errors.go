package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrTimeout: nothing came, or could be sent, within the time limit. The Conn is
// as good as before. It is [os.ErrDeadlineExceeded] and
// [context.DeadlineExceeded] for [errors.Is]: the standard library has two
// names for one condition that do not match each other.
var ErrTimeout error = timeoutError{}

// ErrClosed: this end was closed here, in this process, by [Conn.Close]. It is
// [os.ErrClosed] for [errors.Is]. That the *other* end is closed is [io.EOF] for
// the reader and [ErrGone] for the writer.
var ErrClosed error = closedError{}

// ErrGone: sending is pointless, since the other end is closed in every process
// that had it, or its processes are dead. The kernel calls it EPIPE or
// ECONNRESET, and those match too.
var ErrGone = errors.New("the other end is gone")

// ErrTooLarge: a message is longer than the limit of this Conn. At the sender
// nothing has been sent, and the Conn is as good as before. At the receiver the
// stream is lost, and every later call returns this error again.
var ErrTooLarge = errors.New("message too large")

type timeoutError struct{}

func (timeoutError) Error() string   { return "time limit reached" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true } // makes it a net.Error
func (timeoutError) Is(target error) bool {
	return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
}

type closedError struct{}

func (closedError) Error() string        { return "this end is closed" }
func (closedError) Is(target error) bool { return target == os.ErrClosed }

func tooLarge(what string, size, limit int) error {
	return fmt.Errorf("%w: %s of %d bytes, and the limit is %d; write it to a file and send the path, or call SetLimit at both ends", ErrTooLarge, what, size, limit)
}

// A DecodeError says that a message came, whole, and could not be understood.
// The pipe is fine.
type DecodeError struct {
	Text string // what came, the first 200 bytes of it
	Want string // the type that was asked for
	Err  error
}

func newDecodeError(text []byte, want string, err error) error {
	const enough = 200
	if len(text) > enough {
		text = text[:enough]
	}
	if want == "<nil>" {
		want = "any"
	}
	return &DecodeError{string(text), want, err}
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("pipe: %q is not a %s: %v", e.Text, e.Want, e.Err)
}

// Unwrap returns what the decoder said, unless it is an EOF: the *text* ended
// too early then, and a caller who tests for io.EOF asks about the pipe.
func (e *DecodeError) Unwrap() error {
	if errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return nil
	}
	return e.Err
}

// Package selector waits with a time limit: for the next message of one pipe
// ([ReadInputs], [Inputs]), or for whichever of many sources has something
// ([Selector]).
//
// To wait is to sleep in the kernel until it has news. A loop that looks every
// few milliseconds uses the processor, and is late all the same.
//
// Guarantees. A message, nothing in time, the end of the input, and a failure
// are four different outcomes. The limit covers the whole message and not only
// its first byte. What has come early is kept, and after a time-out a later call
// returns the whole message. Nothing is left behind by a time-out: no goroutine
// that would steal the next message, no descriptor. What is there already is
// returned even if the limit has passed.
//
// Limits. A [Selector] tells who is ready, it does not read. On Linux it is
// epoll(7), on other Unix systems poll(2), and on Windows it looks at all sources
// in turn, with pauses of up to 15 ms.
package selector

import (
	"errors"
	"io"
	"iter"
	"os"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

const (
	// DefaultTimeout is a limit for [ReadInputs] where you have no better one.
	DefaultTimeout = 15 * time.Second
	// DefaultIdle is how long a worker waits for its next inputs, with [Inputs],
	// before it goes.
	DefaultIdle = 5 * time.Second
)

// ReadInputs waits at most d for the next inputs on c. With d zero or negative
// it does not wait, it only looks.
//
//	inputs, nil            they came, whole
//	pipe.ErrTimeout        not in time; c is as good as before
//	io.EOF                 the other end is finished, now and at every later call
//	anything else          see pipe.Receive: half a message before the end
//	                       (io.ErrUnexpectedEOF), not inputs (*pipe.DecodeError),
//	                       c closed here (pipe.ErrClosed)
//
// It works on any Conn, also on stdin, whatever that may be: a pipe, a socket, a
// terminal, a file. A read deadline that was set on c before is gone afterwards.
// Safe for concurrent use, but a Conn has one limit, not one for each caller.
func ReadInputs(c *pipe.Conn, d time.Duration) (pipe.Inputs, error) {
	until := time.Now().Add(d)
	_ = c.SetReadDeadline(time.Time{}) // one of the caller's would end the wait; what is wrong with c, Receive says
	limited := false
	in, err := pipe.ReceiveAfter[pipe.Inputs](c, func() error {
		// This runs only if nothing is there. To set a limit makes the runtime
		// wake the thread that minds its timers, which costs more than to read a
		// message that has arrived already.
		err := c.SetReadDeadline(until)
		if errors.Is(err, os.ErrNoDeadline) {
			// The runtime's poller does not know this descriptor, so it cannot
			// end a read. Then do not begin a read that would wait.
			return waitReadable(c, until)
		}
		limited = true
		return err
	})
	if limited {
		_ = c.SetReadDeadline(time.Time{}) // fails only if c was closed meanwhile
	}
	return in, err
}

// Inputs ranges over the inputs that come on c, as a worker does:
//
//	for in, err := range selector.Inputs(c, selector.DefaultIdle) {
//
// The loop ends when nothing has come for the time idle, and when the input
// ends: then there is nothing left to do, and that is no error. With idle zero
// or negative it takes what is there and does not wait.
//
// Inputs that cannot be understood are an error in the loop (a
// [*pipe.DecodeError]), and the loop goes on with the next; any other error is
// the last round.
func Inputs(c *pipe.Conn, idle time.Duration) iter.Seq2[pipe.Inputs, error] {
	return func(yield func(pipe.Inputs, error) bool) {
		for {
			in, err := ReadInputs(c, idle)
			if err == io.EOF || errors.Is(err, pipe.ErrTimeout) {
				return
			}
			_, notUnderstood := errors.AsType[*pipe.DecodeError](err)
			if !yield(in, err) || err != nil && !notUnderstood {
				return
			}
		}
	}
}

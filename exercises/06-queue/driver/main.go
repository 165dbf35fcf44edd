// The driver of exercise 06: a worker with your Maildir. The suite starts several and
// talks to each over a pipe. By hand it makes a queue in a directory, with two processes
// that put and three that take, until you press Ctrl-C; kill one of them and see whether
// anything is lost:
//
//	go run ./exercises/06-queue/driver
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/06-queue/answer"
	"example.com/multiprocessing/exercises/06-queue/script"
	"example.com/multiprocessing/exercises/kit"
)

func main() {
	suite, err := pipe.Inherited()
	switch {
	case err == nil:
		err = serve(suite)
	case len(os.Args) == 3:
		err = work(os.Args[1], os.Args[2])
	default:
		err = byHand()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// serve does what the suite asks for until it closes the pipe.
func serve(suite *pipe.Conn) error {
	w := &worker{
		suite: suite,
		queue: answer.Maildir{Dir: os.Getenv(script.DirVariable)},
		feed:  make(chan script.Request, 10),
	}
	return kit.Serve(suite, func(request script.Request) error {
		switch {
		case request.Put:
			go func() { w.done(w.queue.Put(w)) }()
		case request.Take:
			ctx, cancel := context.WithCancel(context.Background())
			w.cancel = cancel
			go func() {
				var err error
				w.item, err = w.queue.Take(ctx)
				w.done(err)
			}()
		case request.Cancel:
			w.cancel()
		case request.Ack:
			w.done(w.item.Ack())
		case request.Nack:
			w.done(w.item.Nack())
		default:
			w.feed <- request
		}
		return nil
	})
}

// A worker does one thing at a time: the suite waits for the end of one before it asks for
// the next.
type worker struct {
	suite  *pipe.Conn
	queue  answer.Maildir
	cancel func()       // ends Take
	item   *answer.Item // what it has returned last
	feed   chan script.Request
	rest   []byte
}

var errOwn = errors.New("the data are not to be had")

// Read is that of Put's data. The suite decides what it returns, and when.
func (w *worker) Read(p []byte) (int, error) {
	if len(w.rest) == 0 {
		w.say(script.Report{What: "read"})
		switch r := <-w.feed; {
		case r.End:
			return 0, io.EOF
		case r.Fail != "":
			return 0, fmt.Errorf("%s: %w", r.Fail, errOwn)
		default:
			w.rest = r.Data
		}
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *worker) done(err error) {
	report := script.Report{What: "done"}
	if w.item != nil {
		report.Data = w.item.Data
	}
	if err != nil {
		report.Error = err.Error()
		report.Todo = errors.Is(err, kit.ErrTODO)
		report.Ended = errors.Is(err, context.Canceled)
		report.Own = errors.Is(err, errOwn)
	}
	w.say(report)
}

func (w *worker) say(r script.Report) {
	kit.Tell(w.suite, r)
}

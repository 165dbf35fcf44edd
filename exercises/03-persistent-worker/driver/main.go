// The driver of exercise 03: a small program around your Oracle. The suite starts
// it and talks to it over a pipe. By hand it asks the oracle what you type:
//
//	go run ./exercises/03-persistent-worker/driver
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/03-persistent-worker/answer"
	"example.com/multiprocessing/exercises/03-persistent-worker/script"
	"example.com/multiprocessing/exercises/kit"
)

func main() {
	suite, err := pipe.Inherited()
	if err != nil {
		if err := kit.ByHand("example.com/multiprocessing/exercises/03-persistent-worker/oracle", byHand); err != nil {
			fmt.Fprintln(os.Stderr, "driver:", err)
			os.Exit(1)
		}
		return
	}
	if err := serve(suite); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// byHand asks the oracle what comes from stdin.
func byHand(path string) error {
	o := answer.New(path)
	defer o.Close()
	fmt.Println("Ask it for the length of a word; \"die\" makes it die. Ctrl-D ends.")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		begin := time.Now()
		text, err := o.Ask(ctx, lines.Text())
		cancel()
		fmt.Printf("%q, error %v, after %v\n", text, err, time.Since(begin).Round(10*time.Microsecond))
	}
	return nil
}

// serve does what the suite asks for until it closes the pipe. Each Ask is a
// goroutine.
func serve(suite *pipe.Conn) error {
	path := os.Getenv("ORACLE_PROGRAM")
	o := answer.New(path, "an argument", "another one")
	cancels := map[int]context.CancelCauseFunc{}
	return kit.Serve(suite, func(request script.Request) error {
		switch {
		case request.Close:
			go func() {
				report := script.Report{ID: -1}
				if err := o.Close(); err != nil {
					report.Failed, report.Error, report.Todo = true, err.Error(), errors.Is(err, kit.ErrTODO)
				}
				kit.Tell(suite, report)
			}()
		case request.Cancel:
			cancels[request.ID](errCancelled)
		default:
			ctx, cancel := context.WithCancelCause(context.Background())
			cancels[request.ID] = cancel
			go func() {
				text, err := o.Ask(ctx, request.Question)
				report := script.Report{ID: request.ID, Answer: text}
				if err != nil {
					report.Failed, report.Error = true, err.Error()
					report.Todo = errors.Is(err, kit.ErrTODO)
					report.Cancelled = errors.Is(err, errCancelled)
				}
				kit.Tell(suite, report)
			}()
		}
		return nil
	})
}

var errCancelled = errors.New("the suite has cancelled the question")

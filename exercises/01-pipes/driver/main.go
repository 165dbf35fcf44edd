// The driver of exercise 01: a small program around your Run. The suite starts
// it and talks to it over a pipe. You can use it as the shell whose bar you have
// built:
//
//	go run ./exercises/01-pipes/driver ls -l '|' sort '|' head -n 3
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/01-pipes/answer"
	"example.com/multiprocessing/exercises/01-pipes/script"
	"example.com/multiprocessing/exercises/kit"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(byHand(os.Args[1:]))
	}
	suite, err := pipe.Inherited()
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: driver COMMAND [ARGUMENT ...] ['|' COMMAND ...] ...")
		os.Exit(2)
	}
	if err := serve(suite); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// byHand runs one pipeline from the command line.
func byHand(args []string) int {
	var stages []*exec.Cmd
	for stage := range strings.SplitSeq(strings.Join(args, "\x00"), "\x00|\x00") {
		words := strings.Split(stage, "\x00")
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stderr = os.Stderr
		stages = append(stages, cmd)
	}
	statuses, err := answer.Run(context.Background(), os.Stdin, os.Stdout, stages...)
	fmt.Fprintln(os.Stderr, "statuses:", statuses)
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		return 1
	}
	return 0
}

// serve runs what the suite asks for until it closes the pipe. While a run is
// going on it listens, because the suite may want to cancel it.
func serve(suite *pipe.Conn) error {
	requests := make(chan script.Request)
	var readError error
	go func() {
		defer close(requests)
		for {
			r, err := pipe.Receive[script.Request](suite)
			if err != nil {
				readError = err
				return
			}
			requests <- r
		}
	}()
	for request := range requests {
		ctx, cancel := context.WithCancelCause(context.Background())
		done := make(chan script.Report, 1)
		go func() { done <- run(ctx, request) }()
		var report script.Report
	waiting:
		for {
			select {
			case report = <-done:
				break waiting
			case r, ok := <-requests:
				if !ok {
					// The suite is dead, or somebody has pressed Ctrl-C. Run may be
					// waiting for something that never comes, so do not wait for it.
					endGroup()
				}
				if r.Cancel {
					cancel(errCancelled)
				}
			}
		}
		cancel(nil)
		if err := pipe.Send(suite, report); err != nil {
			return err
		}
	}
	if errors.Is(readError, io.EOF) {
		return nil
	}
	return readError
}

var errCancelled = errors.New("the suite has cancelled the run")

func run(ctx context.Context, request script.Request) (report script.Report) {
	in, err := os.Open(request.In)
	if err != nil {
		return script.Report{Failed: true, Error: "driver: " + err.Error()}
	}
	out, err := os.Create(request.Out)
	if err != nil {
		in.Close()
		return script.Report{Failed: true, Error: "driver: " + err.Error()}
	}
	var stages []*exec.Cmd
	for i, args := range request.Stages {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), script.ControlVariable+"="+request.Control, script.NumberVariable+"="+strconv.Itoa(i))
		cmd.Stderr = os.Stderr
		stages = append(stages, cmd)
	}
	report.Statuses, err = answer.Run(ctx, in, out, stages...)
	if err != nil {
		report.Failed, report.Error = true, err.Error()
	}
	report.Todo = errors.Is(err, kit.ErrTODO)
	report.NotFound = errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
	report.Cancelled = errors.Is(err, errCancelled)
	report.ClosedIn = errors.Is(in.Close(), os.ErrClosed)
	report.ClosedOut = errors.Is(out.Close(), os.ErrClosed)
	return report
}

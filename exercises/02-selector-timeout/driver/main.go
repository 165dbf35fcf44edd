// The driver of exercise 02: a small program around your Gatherer. The suite
// starts it and talks to it over a pipe. By hand it gathers what commands print,
// within one limit:
//
//	go run ./exercises/02-selector-timeout/driver 2s 'echo 1' 'sleep 1; echo 2' 'sleep 9'
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/exercises/02-selector-timeout/answer"
	"example.com/multiprocessing/exercises/02-selector-timeout/script"
	"example.com/multiprocessing/exercises/kit"
)

func main() {
	if len(os.Args) > 2 {
		os.Exit(byHand(os.Args[1], os.Args[2:]))
	}
	suite, err := pipe.Inherited()
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: driver LIMIT COMMAND ...")
		os.Exit(2)
	}
	if err := serve(suite); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// byHand gathers the first lines of commands.
func byHand(limit string, commands []string) int {
	d, err := time.ParseDuration(limit)
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		return 2
	}
	var sources []*os.File
	for _, command := range commands {
		cmd := exec.Command("sh", "-c", command)
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "driver:", err)
			return 1
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		sources = append(sources, stdout.(*os.File))
	}
	answers, err := answer.New(sources).Gather(d)
	for _, a := range answers {
		fmt.Printf("%-8s %-30s %s\n", a.Kind, commands[a.Source], a.Line)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		return 1
	}
	return 0
}

// serve does what the suite asks for until it closes the pipe.
func serve(suite *pipe.Conn) error {
	n, err := strconv.Atoi(os.Getenv(script.SourcesVariable))
	if err != nil {
		return err
	}
	var sources []*os.File
	for i := range n {
		f, err := openSource(4 + i)
		if err != nil {
			return err
		}
		sources = append(sources, f)
	}
	g := answer.New(sources)
	requests := make(chan script.Request)
	go func() {
		for {
			request, err := pipe.Receive[script.Request](suite)
			if errors.Is(err, io.EOF) {
				// The suite has finished, or is dead. Gather may be waiting for
				// something that never comes, so do not wait for it.
				os.Exit(0)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "driver:", err)
				os.Exit(1)
			}
			requests <- request
		}
	}()
	for request := range requests {
		if err := pipe.Send(suite, do(g, request)); err != nil {
			return err
		}
	}
	return nil
}

func do(g *answer.Gatherer, request script.Request) (report script.Report) {
	if request.Count {
		// A goroutine that has been told to end needs a moment for it.
		for range 100 {
			if report.Goroutines = runtime.NumGoroutine(); report.Goroutines <= request.AtMost {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		return report
	}
	answers, err := g.Gather(request.Limit)
	for _, a := range answers {
		report.Answers = append(report.Answers, script.Answer{Source: a.Source, Kind: string(a.Kind), Line: a.Line})
	}
	if err != nil {
		report.Error = err.Error()
	}
	report.Todo = errors.Is(err, kit.ErrTODO)
	return report
}

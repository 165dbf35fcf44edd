package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
)

var end = process.Func("end", func(ctx context.Context, how string) (string, error) {
	switch how {
	case "exits with 3":
		os.Exit(3)
	case "returns an error":
		return "", errors.New("no luck")
	case "panics":
		panic("on purpose")
	case "waits":
		<-ctx.Done() // until it is told to stop
		return "", context.Cause(ctx)
	}
	return "done", nil
})

// codes shows the exit code of each way to end.
func codes(ctx context.Context, out io.Writer) error {
	run := func(how string, tell func(*process.Process) error) error {
		task := end.New(how, process.Config{Stderr: io.Discard})
		if err := task.Start(); err != nil {
			return err
		}
		what := how
		if tell != nil {
			if err := task.Ready(ctx); err != nil {
				return err
			}
			if err := tell(task.Process); err != nil {
				return err
			}
		}
		if err := task.Join(ctx); err != nil {
			return err
		}
		code, _ := task.ExitCode()
		note := ""
		if errors.Is(task.Err(), process.ErrAborted) {
			note = "  (ErrAborted)"
		}
		if tell != nil {
			what = "is told to end"
		}
		fmt.Fprintf(out, "%-17s exit code %d%s\n", what, code, note)
		return nil
	}
	for _, how := range []string{"returns", "exits with 3", "returns an error", "panics"} {
		if err := run(how, nil); err != nil {
			return err
		}
	}
	if err := run("waits", (*process.Process).Terminate); err != nil {
		return err
	}
	if err := run("waits", (*process.Process).Kill); err != nil {
		return err
	}

	// Join with a time limit: the process goes on.
	task := end.New("waits", process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	err := task.Join(short)
	_, ended := task.ExitCode()
	fmt.Fprintf(out, "%v; alive: %t, has an exit code: %t\n", err, task.IsAlive(), ended)
	if err := task.Stop(ctx); err != nil {
		return err
	}
	code, ended := task.ExitCode()
	fmt.Fprintf(out, "after Stop: alive: %t, has an exit code: %t, %d\n", task.IsAlive(), ended, code)
	return nil
}

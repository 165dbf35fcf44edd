package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/04-fork-order/process"
)

// A function gets a name, at package level, and can then run in a process of its
// own.
var square = process.Func("square", func(_ context.Context, x int) (string, error) {
	return fmt.Sprintf("%d, says pid %d", x*x, os.Getpid()), nil
})

var root = process.Func("root", func(_ context.Context, x int) (int, error) {
	if x < 0 {
		return 0, fmt.Errorf("the root of %d is not a number", x)
	}
	for r := range x + 1 {
		if r*r == x {
			return r, nil
		}
	}
	panic(fmt.Sprintf("%d is no square", x))
})

func function(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "this is pid %d\n", os.Getpid())
	task := square.New(12, process.Config{})
	if err := task.Start(); err != nil { // like the go statement
		return err
	}
	y, err := task.Result(ctx) // and its result comes back
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "square(12) = %s\n", y)
	if err := task.Join(ctx); err != nil {
		return err
	}

	// So does an error, and so does a panic, with the place.
	for _, x := range []int{16, -16, 17} {
		task := root.New(x, process.Config{Stderr: io.Discard})
		if err := task.Start(); err != nil {
			return err
		}
		r, err := task.Result(ctx)
		if remote, ok := errors.AsType[*worker.RemoteError](err); ok {
			fmt.Fprintf(out, "root(%d): %s\n", x, remote.Message)
			fmt.Fprint(out, place(remote.Trace))
		} else if err != nil {
			return err
		} else {
			fmt.Fprintf(out, "root(%d) = %d\n", x, r)
		}
		if err := task.Join(ctx); err != nil {
			return err
		}
	}
	return nil
}

// place finds the line of this file in a stack.
func place(stack string) string {
	for line := range strings.Lines(stack) {
		if i := strings.Index(line, "scene_func.go:"); i >= 0 {
			at, _, _ := strings.Cut(line[i:], " ")
			return "          at " + strings.TrimSpace(at) + "\n"
		}
	}
	return ""
}

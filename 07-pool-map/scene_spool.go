package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/07-pool-map/spool"
)

const roleVariable = "POOL_LESSON_ROLE"

// serveIfAsked is the other role of this program: a worker of the spool.
func serveIfAsked() {
	if os.Getenv(roleVariable) == "" {
		return
	}
	err := worker.Serve(func(_ context.Context, in pipe.Inputs) (any, error) {
		var x int
		if _, err := fmt.Sscan(fmt.Sprint(in.Args...), &x); err != nil {
			return nil, err
		}
		return answer{x * x, os.Getpid()}, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "the worker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

type answer struct{ Square, PID int }

//go:embed square.py
var squarePy string

func programs(ctx context.Context, out io.Writer) error {
	program := worker.Config{Name: "square", Program: os.Args[0], Env: []string{roleVariable + "=worker"}}
	if *python {
		program = worker.Config{Name: "square", Program: "python3", Args: []string{"-c", squarePy}}
	}
	s, err := spool.New(spool.Config{Worker: program, Workers: 2, QueueLimit: 4})
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	seen := map[int]bool{}
	for len(seen) < 2 { // until both have been there: one of them may have started sooner
		for x := range 4 {
			a, err := spool.Call[answer](ctx, s, x)
			if err != nil {
				return err
			}
			if a.Square != x*x {
				return fmt.Errorf("the square of %d is not %d", x, a.Square)
			}
			seen[a.PID] = true
		}
	}
	fmt.Fprintf(out, "answers from %d processes\n", len(seen))

	for pid := range seen {
		process, err := os.FindProcess(pid)
		if err != nil {
			return err
		}
		if err := process.Kill(); err != nil {
			return err
		}
	}
	for s.Restarts() < 2 {
		time.Sleep(time.Millisecond)
	}
	a, err := spool.Call[answer](ctx, s, 12)
	fmt.Fprintf(out, "both were killed, and replaced: 12² = %d from a new one: %t\n", a.Square, !seen[a.PID])
	if err != nil {
		return err
	}

	ends := make(chan error)
	const calls = 100
	for range calls {
		go func() {
			_, err := spool.Call[answer](ctx, s, 3)
			ends <- err
		}()
	}
	full := 0
	for range calls {
		switch err := <-ends; {
		case errors.Is(err, pool.ErrFull):
			full++
		case err != nil:
			return err
		}
	}
	fmt.Fprintf(out, "100 calls at once, and 4 may wait: some were told so at once: %t\n", full > 0)
	return nil
}

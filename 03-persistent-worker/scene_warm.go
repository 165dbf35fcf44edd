package main

import (
	"context"
	_ "embed" // for executable.py
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// The worker stands in a variable at package level: every call of remoteIncrement
// uses the same one. It is made at the first use, when the flags are known.
var incrementWorker = sync.OnceValue(func() *worker.Worker { return worker.New(incrementer()) })

func remoteIncrement(ctx context.Context, x any) (float64, error) {
	return worker.Call[float64](ctx, incrementWorker(), x)
}

func warm(ctx context.Context, out io.Writer) error {
	defer removeScript()
	w := incrementWorker()
	defer w.Close(context.WithoutCancel(ctx))

	call := func(when string, x any) error {
		before, begin := w.PID(), time.Now()
		answer, err := remoteIncrement(ctx, x)
		result := fmt.Sprint(answer)
		if err != nil {
			result = "error"
		}
		process := "the same process"
		if w.PID() != before && w.PID() != 0 {
			process = fmt.Sprintf("process %d was started", w.PID())
		}
		if w.PID() == 0 {
			process = "the process has died"
		}
		fmt.Fprintf(out, "%-16s %-24s %s   %s\n", when+":", fmt.Sprintf("increment(%#v) = %s", x, result), took(begin), process)
		return err
	}
	if err := call("the first call", 1); err != nil {
		return err
	}
	if err := call("the second", 1); err != nil {
		return err
	}

	fmt.Fprintf(out, "… and nobody calls for a while\n")
	for w.PID() != 0 { // it goes by itself, with exit status 0
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := call("after the pause", 1); err != nil {
		return err
	}

	// This dialect (worker.Bare) has no form for an error, so the program crashes,
	// and its last words are the error.
	err := call("a bad argument", "bad")
	if err == nil {
		return fmt.Errorf("%q was incremented", "bad")
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(out, "    | %s\n", line)
	}
	return call("after the error", 1)
}

//go:embed executable.py
var executable []byte

// incrementer is the config of the program that scenes each and warm use: in Go
// or in Python, with an expensive start, which is emulated by sleeping.
func incrementer() worker.Config {
	env := fmt.Sprintf("STARTUP=%g", startup.Seconds())
	c := program("increment", env)
	if *python {
		c = worker.Config{Name: "executable.py", Program: "python3", Args: []string{script()}, Env: []string{env}, Idle: *idle}
	}
	c.Dialect = worker.Bare
	return c
}

// increment is the program.
func increment() error {
	seconds, err := time.ParseDuration(os.Getenv("STARTUP") + "s")
	if err != nil {
		return err
	}
	time.Sleep(seconds) // libraries are loaded, tables read, a model built …
	return worker.Serve(func(_ context.Context, in pipe.Inputs) (any, error) {
		x, err := pipe.Arg[float64](in, 0)
		return x + 1, err
	})
}

// script returns the path of executable.py, in a file of its own: this program
// does not know where its source is. removeScript removes it.
func script() string {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("executable-%d.py", os.Getpid()))
	if err := os.WriteFile(path, executable, 0o600); err != nil {
		return "executable.py" // which Python will not find, and say so
	}
	return path
}

func removeScript() {
	os.Remove(filepath.Join(os.TempDir(), fmt.Sprintf("executable-%d.py", os.Getpid())))
}

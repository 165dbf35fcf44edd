package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
)

// whoAmI returns the pid of a worker.
var whoAmI = process.Func("who am I", func(context.Context, struct{}) (int, error) { return os.Getpid(), nil })

// shot counts the words again. When a quarter is done, a worker is killed.
func shot(ctx context.Context, out io.Writer) error {
	files, err := goFiles(ctx)
	if err != nil {
		return err
	}
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	pids, err := pool.Map(ctx, p, whoAmI, make([]struct{}, 1))
	if err != nil {
		return err
	}
	victim, err := os.FindProcess(pids[0])
	if err != nil {
		return err
	}
	alive := true
	counts, err := pool.Map(ctx, p, countFile, files, pool.Chunk(16), pool.Progress(func(done, of int) {
		if alive && done > of/4 {
			alive = false
			_ = victim.Kill()
		}
	}))
	fmt.Fprintf(out, "a worker was shot: %t\n", !alive)

	// What is missing is known by its index, and can be done again: to count words twice
	// does no harm.
	var again []string
	for _, err := range errorsOf(err) {
		task, ok := errors.AsType[*pool.TaskError](err)
		_, died := errors.AsType[*child.DiedError](err)
		if !ok || !died {
			return err
		}
		again = append(again, files[task.Task])
	}
	ledger := p.Ledger()
	fmt.Fprintf(out, "of %d files, done: %d, failed: %d, lost: %d\n", len(files), ledger.Done-1, ledger.Failed, ledger.Lost)
	more, err := pool.Map(ctx, p, countFile, again)
	fmt.Fprintf(out, "with these once more: %v\n", sum(append(counts, more...)))
	return err
}

// errorsOf returns what Map has joined.
func errorsOf(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

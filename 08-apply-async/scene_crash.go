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
	"example.com/multiprocessing/08-apply-async/async"
)

// fragile does not survive number 13.
var fragile = process.Func("fragile", func(_ context.Context, x int) (int, error) {
	if x == 13 {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		return 0, err
	}
	return x, nil
})

func crash(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	done, lost := 0, 0
	for x := range 20 {
		async.Apply(ctx, p, fragile, x).
			OnDone(func(int) { done++ }).
			OnError(func(err error) {
				died, ok := errors.AsType[*child.DiedError](err)
				switch {
				case errors.Is(err, pool.ErrLost):
					lost++ // it was done, and its result has not come
				case ok:
					fmt.Fprintf(out, "%d has cost a worker: %v\n", x, died.Signal)
				}
			})
	}
	p.Close()
	_, err = p.Join(ctx)
	fmt.Fprintf(out, "done or lost: %d\n", done+lost)
	return err
}

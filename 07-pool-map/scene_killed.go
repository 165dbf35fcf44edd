package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
)

//go:embed hangs.py
var hangs string

// fragile does not survive number 13.
var fragile = process.Func("fragile", func(_ context.Context, x int) (int, error) {
	if x == 13 {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		return 0, err
	}
	return x * x, nil
})

func killed(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	in := make([]int, 20)
	for i := range in {
		in[i] = i
	}
	squares, err := pool.Map(ctx, p, fragile, in, pool.Chunk(1))
	if died, ok := errors.AsType[*child.DiedError](err); ok {
		fmt.Fprintf(out, "a worker has died: %v\n", died.Signal)
	}
	ledger := p.Ledger()
	fmt.Fprintf(out, "failed: %d; done or lost: %d\n", ledger.Failed, ledger.Done+ledger.Lost)
	fmt.Fprintf(out, "the last one: %d\n", squares[19])
	squares, err = pool.Map(ctx, p, fragile, []int{4, 5, 6})
	fmt.Fprintf(out, "and the pool goes on: %v, %v\n", squares, err)
	if !*python {
		return nil
	}
	return scene.Python(ctx, out, hangs)
}

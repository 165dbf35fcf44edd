package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

// collatz does one step of a famous walk: half of what is even, three times what is odd and one.
var collatz = process.Func("collatz", func(_ context.Context, n int) (int, error) {
	if n%2 == 0 {
		return n / 2, nil
	}
	return 3*n + 1, nil
})

// chain walks from some numbers to 1, all at the same time. Each step is a task, and the
// callback of one submits the next.
func chain(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	starts := []int{6, 9, 27}
	steps, walking := map[int]int{}, len(starts)
	var step func(start, n int)
	step = func(start, n int) {
		if n == 1 {
			if walking--; walking == 0 {
				p.Close() // a callback may do that
			}
			return
		}
		steps[start]++
		async.Apply(ctx, p, collatz, n).OnDone(func(next int) { step(start, next) })
	}
	p.Later(func() { // there, and not here: only callbacks touch steps
		for _, start := range starts {
			step(start, start)
		}
	})
	ledger, err := p.Join(ctx)
	for _, start := range starts {
		fmt.Fprintf(out, "from %d to 1: %d steps\n", start, steps[start])
	}
	fmt.Fprintf(out, "tasks: %d\n", ledger.Done)
	return err
}

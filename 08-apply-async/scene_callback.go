package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

// half halves what is even.
var half = process.Func("half", func(_ context.Context, x int) (int, error) {
	if x%2 != 0 {
		return 0, fmt.Errorf("%d is odd", x)
	}
	return x / 2, nil
})

func callback(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	sum, odd := 0, 0 // only callbacks touch them, and they come one after the other
	for x := range 101 {
		async.Apply(ctx, p, half, x).
			OnDone(func(y int) { sum += y }).
			OnError(func(error) { odd++ })
	}
	async.Apply(ctx, p, half, 7) // nobody will ask for this one
	p.Close()                    // nothing more will come
	ledger, err := p.Join(ctx)   // all tasks and all callbacks
	fmt.Fprintf(out, "the sum of the halves: %d; odd: %d\n%+v\n", sum, odd, ledger)
	fmt.Fprintf(out, "Join also says: %t\n", err != nil)
	return nil
}

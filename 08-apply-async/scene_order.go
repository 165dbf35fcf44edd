package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

// countPrimes counts the primes below n.
var countPrimes = process.Func("count primes", func(_ context.Context, n int) (found int, err error) {
	for x := 2; x < n; x++ {
		prime := true
		for d := 2; d*d <= x && prime; d++ {
			prime = x%d != 0
		}
		if prime {
			found++
		}
	}
	return found, nil
})

func order(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	var results []*async.Result[int]
	below := map[int]int{} // by the number of the task
	for _, n := range []int{1_500_000, 10} {
		r := async.Apply(ctx, p, countPrimes, n) // returns at once
		below[r.ID()] = n
		results = append(results, r)
	}
	fmt.Fprintf(out, "%d are on their way\n", len(results))
	for r, err := range async.AsCompleted(ctx, results...) {
		if err != nil {
			return err
		}
		primes, err := r.Get(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "below %d: %d primes\n", below[r.ID()], primes)
	}
	return nil
}

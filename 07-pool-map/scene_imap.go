package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
)

// isTwin tells whether n-1 and n+1 are both prime.
var isTwin = process.Func("is twin", func(_ context.Context, n int) (bool, error) {
	return isPrime(n-1) && isPrime(n+1), nil
})

// endless looks for twin primes from a million on, until it has seen enough.
func endless(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	taken := 0
	numbers := func(yield func(int) bool) {
		for n := 1_000_000; ; n += 6 { // between twins there is a multiple of 6, near it
			taken++
			if !yield(n + 2) {
				return
			}
		}
	}
	found, at := 0, 1_000_002
	for twin, err := range pool.Imap(ctx, p, isTwin, numbers, pool.Chunk(50)) {
		if err != nil {
			return err
		}
		if twin {
			fmt.Fprintf(out, "%d and %d\n", at-1, at+1)
			found++
		}
		if at += 6; found == 3 {
			break // what was not begun is cancelled
		}
	}
	fmt.Fprintf(out, "looked at %d numbers; taken a little ahead: %t\n", (at-1_000_002)/6, taken < (at-1_000_002)/6+1000)
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/03-persistent-worker/worker"
)

// each starts the program for every call, and ends it afterwards.
func each(ctx context.Context, out io.Writer) error {
	defer removeScript()
	for n := 1; n <= 2; n++ {
		begin := time.Now()
		w := worker.New(incrementer())
		answer, err := worker.Call[int](ctx, w, n)
		if err == nil {
			err = w.Close(ctx)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "increment(%d) = %d   %s\n", n, answer, took(begin))
	}
	return nil
}

// took says how long something took, in a unit that fits.
func took(begin time.Time) string {
	d := time.Since(begin)
	if d >= 10*time.Millisecond {
		return fmt.Sprintf("%7.2f s", d.Seconds())
	}
	return fmt.Sprintf("%7.0f µs", float64(d.Nanoseconds())/1000)
}

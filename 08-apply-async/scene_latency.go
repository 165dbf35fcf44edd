package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

// latency measures how long it takes from Apply to the result, when so many are on their way.
func latency(ctx context.Context, out io.Writer) error {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return err
	}
	defer p.Terminate(ctx)
	fmt.Fprintln(out, "on their way  half of them within  99 of 100  tasks in a second")
	for _, inFlight := range []int{1, 8, 64, 512} {
		const tasks = 5000
		times := make([]time.Duration, 0, tasks) // only callbacks touch it
		began := time.Now()
		room := make(chan struct{}, inFlight)
		for range tasks {
			room <- struct{}{}
			start := time.Now()
			async.Apply(ctx, p, half, 2).OnDone(func(int) {
				times = append(times, time.Since(start))
				<-room
			})
		}
		for range inFlight { // until the last one is back
			room <- struct{}{}
		}
		took := time.Since(began)
		slices.Sort(times)
		fmt.Fprintf(out, "%12d  %19v  %9v  %17.0f\n", inFlight, times[len(times)/2].Round(time.Microsecond),
			times[len(times)*99/100].Round(time.Microsecond), tasks/took.Seconds())
	}
	return nil
}

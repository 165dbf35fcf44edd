package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
)

// A span is from when to when a process was at a task.
type span struct {
	PID         int
	Begin, Ends time.Time
}

// countPrimes counts the primes below n, and says how long that took.
var countPrimes = process.Func("count primes", func(_ context.Context, n int) (span, error) {
	s := span{PID: os.Getpid(), Begin: time.Now()}
	for found, x := 0, 2; x < n; x++ {
		if isPrime(x) {
			found++
		}
	}
	s.Ends = time.Now()
	return s, nil
})

func isPrime(x int) bool {
	for d := 2; d*d <= x; d++ {
		if x%d == 0 {
			return false
		}
	}
	return true
}

// lanes draws a line for each process, with a letter for each task.
func lanes(ctx context.Context, out io.Writer) error {
	// The long ones come first, all in one piece: the pool gives the piece to one worker.
	in := []int{90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 30_000, 20_000, 10_000, 9000, 8000, 7000}
	ledger, err := pool.With(ctx, pool.Config{Workers: 2}, func(p *pool.Pool) error {
		for _, chunk := range []int{1, len(in)} {
			spans, err := pool.Map(ctx, p, countPrimes, in, pool.Chunk(chunk))
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "in pieces of %d:\n", chunk)
			draw(out, spans)
		}
		return nil
	})
	fmt.Fprintf(out, "done: %d\n", ledger.Done)
	return err
}

const columns = 60

// draw draws the spans, a line for each pid.
func draw(out io.Writer, spans []span) {
	first, last := spans[0].Begin, spans[0].Ends
	var pids []int
	for _, s := range spans {
		if s.Begin.Before(first) {
			first = s.Begin
		}
		if s.Ends.After(last) {
			last = s.Ends
		}
		if !slices.Contains(pids, s.PID) {
			pids = append(pids, s.PID)
		}
	}
	column := func(t time.Time) int { return int(columns * t.Sub(first) / (last.Sub(first) + 1)) }
	for _, pid := range pids {
		lane := []byte(strings.Repeat(".", columns))
		for i, s := range spans {
			for c := column(s.Begin); s.PID == pid && c <= column(s.Ends); c++ {
				lane[c] = 'a' + byte(i)
			}
		}
		fmt.Fprintf(out, "  pid %-7d %s\n", pid, lane)
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
)

type interval struct{ From, To float64 }

var middle = process.Func("middle", func(_ context.Context, i interval) (float64, error) {
	return (i.From + i.To) / 2, nil
})

// inline runs one function both ways. What differs is one word.
func inline(ctx context.Context, out io.Writer) error {
	for _, way := range []struct {
		name string
		task func(interval) *process.Task[float64]
	}{
		{"process", func(i interval) *process.Task[float64] { return middle.New(i, process.Config{}) }},
		{"goroutine", func(i interval) *process.Task[float64] { return middle.Inline(i, process.Config{}) }},
	} {
		begin := time.Now()
		task := way.task(interval{1, 4})
		if err := task.Start(); err != nil {
			return err
		}
		m, err := task.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "in a %-10s middle(1, 4) = %g   %v\n", way.name+":", m, round(time.Since(begin)))
		if err := task.Join(ctx); err != nil {
			return err
		}
		// What would not arrive in a process does not arrive in the goroutine.
		err = way.task(interval{math.NaN(), 4}).Start()
		fmt.Fprintf(out, "                 middle(NaN, 4): %v\n", err)
	}
	return nil
}

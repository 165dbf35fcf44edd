package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/04-fork-order/process"
)

// visits is an ordinary variable of the program.
var visits = 1

var visit = process.Func("visit", func(context.Context, struct{}) (string, error) {
	found := visits
	visits = 100
	return fmt.Sprintf("found %d, set it to %d", found, visits), nil
})

// memory shows that a process has variables of its own, and fresh ones.
func memory(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "visits is initialised with 1\n")
	visits = 7
	fmt.Fprintf(out, "the parent sets it to 7\n")
	for range 2 {
		task := visit.New(struct{}{}, process.Config{})
		if err := task.Start(); err != nil {
			return err
		}
		said, err := task.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "process %s: %s\n", task.Name(), said)
		if err := task.Join(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "the parent still has %d\n", visits)
	return nil
}

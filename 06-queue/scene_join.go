package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"

	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/queue"
)

//go:embed hangs.py
var hangs string

// join waits for a producer to end before it takes what that has put, which is more than
// a pipe holds.
func join(ctx context.Context, out io.Writer) error {
	q, err := queue.New[string](queue.Config{})
	if err != nil {
		return err
	}
	defer q.Destroy()
	task := deliver.New(delivery{Queue: q, Items: []string{strings.Repeat("x", 1<<20)}}, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	if err := task.Join(ctx); err != nil {
		return err
	}
	item, err := q.Get(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the producer has ended; in the queue: %d bytes\n", len(item))
	if !*python {
		return nil
	}
	return scene.Python(ctx, out, hangs)
}

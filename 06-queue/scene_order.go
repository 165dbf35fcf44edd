package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/queue"
)

// A delivery is what a producer is to put, and where.
type delivery struct {
	Queue *queue.Queue[string] // travels as its path
	Items []string
	Die   bool // be killed right after
}

// deliver puts the items, one after the other.
var deliver = process.Func("deliver", func(ctx context.Context, d delivery) (struct{}, error) {
	for _, item := range d.Items {
		if err := d.Queue.Put(ctx, item); err != nil {
			return struct{}{}, err
		}
	}
	if d.Die {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		return struct{}{}, err
	}
	return struct{}{}, d.Queue.Close()
})

func order(ctx context.Context, out io.Writer) error {
	q, err := queue.New[string](queue.Config{})
	if err != nil {
		return err
	}
	defer q.Destroy()
	var tasks []*process.Task[struct{}]
	for _, items := range [][]string{{"a1", "a2", "a3"}, {"b1", "b2", "b3"}} {
		task := deliver.New(delivery{Queue: q, Items: items}, process.Config{})
		if err := task.Start(); err != nil {
			return err
		}
		tasks = append(tasks, task)
	}
	for _, task := range tasks {
		if _, err := task.Result(ctx); err != nil {
			return err
		}
		if err := task.Join(ctx); err != nil { // nobody has taken anything yet
			return err
		}
	}
	n, err := q.Len()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "both have ended; in the queue: %d items\n", n)
	if err := q.Close(); err != nil {
		return err
	}
	var a, b []string
	for item, err := range q.All(ctx) {
		if err != nil {
			return err
		}
		if item[0] == 'a' {
			a = append(a, item)
		} else {
			b = append(b, item)
		}
	}
	fmt.Fprintf(out, "of the first: %s; of the second: %s\n", strings.Join(a, " "), strings.Join(b, " "))
	_, err = q.Get(ctx)
	fmt.Fprintf(out, "closed and empty: Get returns ErrClosed: %t\n", errors.Is(err, queue.ErrClosed))
	return nil
}

func full(ctx context.Context, out io.Writer) error {
	q, err := queue.New[int](queue.Config{Capacity: 3})
	if err != nil {
		return err
	}
	defer q.Destroy()
	task := count.New(q, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	defer task.Stop(context.WithoutCancel(ctx))
	c := task.Conn()
	defer c.Close()
	for range 3 {
		n, err := pipe.Receive[int](c)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Put(%d) has returned\n", n)
	}
	isFull, err := q.Full()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Full: %t; TryPut: %t\n", isFull, errors.Is(q.TryPut(0), queue.ErrFull))
	for range 3 {
		item, err := q.Get(ctx)
		if err != nil {
			return err
		}
		n, err := pipe.Receive[int](c)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Get: %d; Put(%d) has returned\n", item, n)
	}
	return nil
}

// count puts 1, 2, 3, … and tells when each Put has returned.
var count = process.Service("count", func(ctx context.Context, q *queue.Queue[int], front *pipe.Conn) error {
	for n := 1; n <= 6; n++ {
		if err := q.Put(ctx, n); err != nil {
			return err
		}
		if err := pipe.Send(front, n); err != nil {
			return err
		}
	}
	return q.Close()
})

func killed(ctx context.Context, out io.Writer) error {
	q, err := queue.New[string](queue.Config{})
	if err != nil {
		return err
	}
	defer q.Destroy()
	task := deliver.New(delivery{Queue: q, Items: []string{"last words"}, Die: true}, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	if err := task.Join(ctx); err != nil {
		return err
	}
	code, _ := task.ExitCode()
	item, err := q.TryGet()
	fmt.Fprintf(out, "the producer has put one, and was killed: exit code %d\n", code)
	fmt.Fprintf(out, "TryGet: %q, error %v\n", item, err)
	return nil
}

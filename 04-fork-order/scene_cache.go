package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// counter is a backend that is used by one client after the other: activate begins,
// deactivate ends with nothing left of it.
var counter = process.Service("counter", func(_ context.Context, _ struct{}, front *pipe.Conn) error {
	var sum int
	var active bool
	for {
		message, err := pipe.Receive[any](front)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		answer := any("done")
		switch n, isNumber := message.(interface{ Int64() (int64, error) }); {
		case message == "activate" && !active:
			active, sum = true, 0
		case message == "deactivate" && active:
			active = false
		case isNumber && active:
			add, err := n.Int64()
			if err != nil {
				return err
			}
			sum += int(add)
			answer = sum
		default:
			answer = fmt.Sprintf("not now: %v", message)
		}
		if err := pipe.Send(front, answer); err != nil {
			return err
		}
	}
})

// Counter is its frontend.
type Counter struct{ *process.Task[struct{}] }

func (c *Counter) ask(message any) (answer any, err error) {
	if err := pipe.Send(c.Conn(), message); err != nil {
		return nil, err
	}
	return pipe.Receive[any](c.Conn())
}

// Stop stops the process; see process.Stop.
func (c *Counter) Stop(ctx context.Context) error {
	defer c.Conn().Close()
	return c.Task.Stop(ctx)
}

func cache(ctx context.Context, out io.Writer) error {
	begin := time.Now()
	processes, err := process.NewCache(10, func() *Counter { return &Counter{counter.New(struct{}{}, process.Config{})} })
	if err != nil {
		return err
	}
	defer processes.Close(context.WithoutCancel(ctx))
	fmt.Fprintf(out, "10 processes started in %v\n", round(time.Since(begin)))

	var mu sync.Mutex
	used := map[int]bool{}
	use := func() error {
		c, err := processes.Take(ctx)
		if err != nil {
			return err
		}
		defer processes.Return(c)
		mu.Lock()
		used[c.PID()] = true
		mu.Unlock()
		var answer any
		for _, message := range []any{"activate", 20, 22, "deactivate"} {
			said, err := c.ask(message)
			if err != nil {
				return err
			}
			if message == 22 {
				answer = said
			}
		}
		if fmt.Sprint(answer) != "42" {
			return fmt.Errorf("20 + 22 = %v", answer)
		}
		return nil
	}
	begin = time.Now()
	errs := make(chan error)
	for range 100 {
		go func() { errs <- use() }()
	}
	for range 100 {
		if err := <-errs; err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "100 clients took, activated, used, deactivated and returned one: %v for each\n", round(time.Since(begin)/100))
	fmt.Fprintf(out, "by how many processes: at most 10: %t\n", len(used) <= 10)

	// One dies while nobody uses it. Who takes it next does not notice.
	c, err := processes.Take(ctx)
	if err != nil {
		return err
	}
	if err := c.Kill(); err != nil {
		return err
	}
	if err := c.Join(ctx); err != nil {
		return err
	}
	processes.Return(c)
	for range 10 {
		if err := use(); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "one was killed; 10 more clients were served\n")
	if err := processes.Close(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "all stopped")
	return nil
}

func round(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Millisecond:
		return d.Round(time.Millisecond)
	case d > 100*time.Microsecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// blocked reads a line that never comes.
func blocked(_ context.Context, out io.Writer) error {
	r, w, err := pipe.New()
	if err != nil {
		return err
	}
	defer w.Close()

	result := make(chan error, 1)
	go func() {
		_, err := r.ReceiveLine()
		result <- err
	}()
	select {
	case err := <-result:
		return err
	case <-time.After(300 * time.Millisecond):
		fmt.Fprintln(out, "a plain read is still waiting after 300 ms, and would wait for ever")
	}
	// The read can only be ended from outside, by taking the pipe away.
	r.Close()
	fmt.Fprintf(out, "after Close: %v\n", <-result)
	return nil
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// hello sends one line through a pipe inside one process. Nothing here changes
// when the two ends are in two processes.
func hello(_ context.Context, out io.Writer) error {
	r, w, err := pipe.New()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()

	// A buffered writer keeps what it is given, in this process, until it is
	// flushed. The reader waits for bytes that the kernel has never seen.
	buffered := bufio.NewWriter(w)
	fmt.Fprintln(buffered, "Hello!")
	r.SetReadDeadline(time.Now()) // do not wait, only look
	_, err = r.ReceiveLine()
	fmt.Fprintf(out, "before the flush: %v\n", err)

	buffered.Flush()
	line, err := r.ReceiveLine()
	fmt.Fprintf(out, "after the flush:  %q\n", line)
	if err != nil {
		return err
	}

	// The send functions of package pipe have no buffer to forget.
	if err := w.SendLine([]byte("Hello again!")); err != nil {
		return err
	}
	line, err = r.ReceiveLine()
	fmt.Fprintf(out, "after SendLine:   %q\n", line)
	if err != nil {
		return err
	}

	w.Close()
	for range 2 {
		_, err = r.ReceiveLine()
		fmt.Fprintf(out, "after Close:      %v\n", err)
	}
	return nil
}

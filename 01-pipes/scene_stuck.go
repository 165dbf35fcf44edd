package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

const much = 16 << 20 // bytes; more than any system keeps in a pipe

// stuck lets both sides write before they read. Each fills the buffer of the
// other and waits for room, which only the other could make.
func stuck(_ context.Context, out io.Writer) error {
	front, back, err := pipe.Pair()
	if err != nil {
		return err
	}
	defer front.Close()
	cmd, err := start("write-first", back)
	back.Close()
	if err != nil {
		return err
	}

	// Without this limit the lesson would end here. It is for the whole message.
	front.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	err = front.SendFrame(make([]byte, much))
	fmt.Fprintf(out, "both write first: %v\n", err)
	front.Close()
	_ = cmd.Wait() // its own message was cut off as well; that is its error

	// The cure: one goroutine writes while another reads. On either side.
	front, back, err = pipe.Pair()
	if err != nil {
		return err
	}
	defer front.Close()
	cmd, err = start("write-first", back)
	back.Close()
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() { sent <- front.SendFrame(make([]byte, much)) }()
	frame, err := front.ReceiveFrame()
	if err != nil {
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	fmt.Fprintf(out, "one reads while the other writes: %d bytes sent, %d bytes received\n", much, len(frame))
	front.Close()
	return cmd.Wait()
}

// writeFirst sends before it receives.
func writeFirst() error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SendFrame(make([]byte, much)); err != nil {
		return nil // the other side has given up, as it was bound to
	}
	_, err = c.ReceiveFrame()
	return err
}

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// kept forgets to close the child's end in the parent. The child answers and
// leaves, and the parent waits for the end of its answers. It never comes: as
// far as the kernel can see, somebody could still write, namely ourselves.
func kept(_ context.Context, out io.Writer) error {
	front, back, err := pipe.Pair()
	if err != nil {
		return err
	}
	defer front.Close()
	defer back.Close()

	cmd, err := start("one-answer", back) // and no back.Close()
	if err != nil {
		return err
	}
	text, err := pipe.Receive[string](front)
	if err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(out, "the child said %q and has ended: %v\n", text, cmd.ProcessState)

	front.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	_, err = front.ReceiveLine()
	fmt.Fprintf(out, "with the child's end still open here: %v\n", err)

	back.Close()
	_, err = front.ReceiveLine()
	fmt.Fprintf(out, "with that end closed:                 %v\n", err)
	return nil
}

func oneAnswer() error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer c.Close()
	return pipe.Send(c, "that is all I know")
}

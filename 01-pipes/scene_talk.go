package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
)

// An answer says who gave it.
type answer struct {
	Square, PID, Parent int
}

// talk starts a second process and asks it three questions.
func talk(_ context.Context, out io.Writer) error {
	front, back, err := pipe.Pair()
	if err != nil {
		return err
	}
	defer front.Close()

	cmd, err := start("square", back)
	back.Close() // the child has its own copy of that end now; ours would be in the way
	if err != nil {
		return err
	}

	for n := 7; n <= 9; n++ {
		if err := pipe.Send(front, n); err != nil {
			return err
		}
		a, err := pipe.Receive[answer](front)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "parent (pid %d): the square of %d is %d, says pid %d, child of pid %d\n",
			os.Getpid(), n, a.Square, a.PID, a.Parent)
	}

	front.Close()    // "that was all": the child reads the end of its input …
	err = cmd.Wait() // … and leaves. Wait, or it stays as a zombie.
	fmt.Fprintf(out, "parent (pid %d): the child has ended: %v\n", os.Getpid(), cmd.ProcessState)
	return err
}

// square is the second process.
func square() error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		n, err := pipe.Receive[int](c)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := pipe.Send(c, answer{n * n, os.Getpid(), os.Getppid()}); err != nil {
			return err
		}
	}
}

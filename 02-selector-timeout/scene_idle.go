package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

// idle starts a program that adds one to what it reads from its stdin, and then
// leaves it alone.
func idle(_ context.Context, out io.Writer) error {
	cmd, err := command("increment")
	if err != nil {
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer stdin.Close()
	answers, err := pipe.Files(stdout.(*os.File), nil)
	if err != nil {
		return err
	}
	defer answers.Close()

	fmt.Fprintln(stdin, `{"args":[1],"kwargs":{}}`)
	n, err := pipe.Receive[int](answers)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the child (pid %d) answers: %d\n", cmd.Process.Pid, n)
	_, err = answers.ReceiveLine() // nothing more is sent, and its stdin stays open
	fmt.Fprintf(out, "left alone, it goes:      %v\n", err)
	err = cmd.Wait()
	fmt.Fprintf(out, "and has ended:            %v\n", cmd.ProcessState)
	return err
}

// increment is the program. Its stdin may be anything, a pipe, a terminal, a
// file: Inputs takes them all.
func increment() error {
	stdin, err := pipe.Files(os.Stdin, os.Stdout)
	if err != nil {
		return err
	}
	for in, err := range selector.Inputs(stdin, 300*time.Millisecond) {
		if err != nil {
			return err
		}
		x, err := pipe.Arg[int](in, 0)
		if err != nil {
			return err
		}
		if err := pipe.Send(stdin, x+1); err != nil {
			return err
		}
	}
	return nil
}

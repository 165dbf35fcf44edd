package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// orphan kills a process that has a worker, with SIGKILL: it can do nothing any
// more, not even stop its worker.
func orphan(ctx context.Context, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	front, back, err := pipe.Pair()
	if err != nil {
		return err
	}
	defer front.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"=parent")
	back.Give(cmd)
	err = cmd.Start() // by hand, since package child would clean up behind it
	back.Close()
	if err != nil {
		return err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	pid, err := pipe.Receive[int](front)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "pid %d has a worker, pid %d\n", cmd.Process.Pid, pid)
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	defer process.Release()
	gone, err := selector.Exit(process)
	if err != nil {
		return err
	}
	defer gone.Close()

	begin := time.Now()
	cmd.Process.Kill()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := gone.Wait(ctx); err != nil {
		return fmt.Errorf("the worker is still there: %w", err)
	}
	fmt.Fprintf(out, "pid %d is killed: its worker is gone after %s\n", cmd.Process.Pid, took(begin))
	return nil
}

// parent starts a worker, says which, and then does nothing.
func parent() error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	w := worker.New(program("increment", "STARTUP=0"))
	if _, err := worker.Call[float64](context.Background(), w, 1); err != nil {
		return err
	}
	if err := pipe.Send(c, w.PID()); err != nil {
		return err
	}
	_, err = c.ReceiveLine() // for ever, or until the lesson itself is gone
	return err
}

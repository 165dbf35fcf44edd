package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"example.com/multiprocessing/exercises/06-queue/answer"
)

// byHand makes a queue, starts processes that use it, and looks what is left when they
// have gone.
func byHand() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "maildir-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"tmp", "new", "cur"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("The queue is in %s. Kill one of its processes; Ctrl-C ends all.\n", dir)
	var all []*exec.Cmd
	for _, role := range []string{"put", "put", "take", "take", "take"} {
		cmd := exec.CommandContext(ctx, self, role, dir)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 2 * time.Second
		if err := cmd.Start(); err != nil {
			return err
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			fmt.Printf("pid %d: %v\n", cmd.Process.Pid, err)
		}
	}
	for _, name := range []string{"tmp", "new", "cur"} {
		left, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Printf("left in %s: %d\n", name, len(left))
	}
	return nil
}

// work puts, or takes, until it is told to stop.
func work(role, dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	queue := answer.Maildir{Dir: dir}
	pid := os.Getpid()
	for n := 1; ctx.Err() == nil; n++ {
		if role == "put" {
			if err := queue.Put(strings.NewReader(fmt.Sprintf("item %d of %d", n, pid))); err != nil {
				return err
			}
			time.Sleep(300 * time.Millisecond)
			continue
		}
		item, err := queue.Take(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Printf("%d works on %s\n", pid, item.Data)
		time.Sleep(400 * time.Millisecond)
		if err := item.Ack(); err != nil {
			return err
		}
	}
	return nil
}

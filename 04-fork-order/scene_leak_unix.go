//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

var bystander = process.Func("bystander", func(ctx context.Context, _ struct{}) (struct{}, error) {
	<-ctx.Done()
	return struct{}{}, nil
})

// leak shows what a descriptor without close-on-exec does. The Go library sets that
// flag on everything it opens. A C library, or a system call made by hand, does not.
func leak(ctx context.Context, out io.Writer) error {
	for _, closeOnExec := range []bool{false, true} {
		if err := leakOnce(ctx, out, closeOnExec); err != nil {
			return err
		}
	}
	return nil
}

func leakOnce(ctx context.Context, out io.Writer, closeOnExec bool) error {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil { // a pipe as pipe(2) makes it
		return err
	}
	if closeOnExec {
		unix.CloseOnExec(ends[0])
		unix.CloseOnExec(ends[1])
	}
	if err := unix.SetNonblock(ends[0], true); err != nil {
		return err
	}
	r, w := os.NewFile(uintptr(ends[0]), "reading end"), os.NewFile(uintptr(ends[1]), "writing end")
	c, err := pipe.Files(r, nil)
	if err != nil {
		return err
	}
	defer c.Close()

	// Somebody starts a process that has nothing to do with the pipe.
	task := bystander.New(struct{}{}, process.Config{Name: "bystander"})
	if err := task.Start(); err != nil {
		return err
	}
	defer task.Stop(ctx)
	if err := task.Ready(ctx); err != nil {
		return err
	}
	if err := w.Close(); err != nil { // the writer is finished
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return err
	}
	_, err = c.ReceiveLine()
	fmt.Fprintf(out, "close-on-exec %-5t the writer has closed, the reader gets: %v\n", closeOnExec, short(err))
	if errors.Is(err, pipe.ErrTimeout) && runtime.GOOS == "linux" {
		fmt.Fprintf(out, "                    who has it open still? %s\n", holder(ends[0], task.PID()))
	}
	if err := task.Stop(ctx); err != nil {
		return err
	}
	_, err = c.ReceiveLine()
	fmt.Fprintf(out, "                    after the end of the bystander: %v\n", short(err))
	return nil
}

func short(err error) error {
	if errors.Is(err, pipe.ErrTimeout) {
		return pipe.ErrTimeout
	}
	return err
}

// holder looks in /proc whether a process has the other end of our pipe open.
func holder(fd, pid int) string {
	ours, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return err.Error()
	}
	links, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return err.Error()
	}
	for _, l := range links {
		theirs, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, l.Name()))
		if theirs == ours {
			return fmt.Sprintf("pid %d, the bystander, which nobody has given it to", pid)
		}
	}
	return "nobody"
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// threadsAtInit is the number of threads before main has begun: package variables
// are initialised before that.
var threadsAtInit = threads()

// threads counts the threads of this process: each has a directory there.
func threads() int {
	all, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0
	}
	return len(all)
}

// fork shows what fork(2) does to a program with threads. It is done in a process
// of its own, which is killed with all that it has made, whatever that does.
func fork(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "threads of this program before main began: %d\n", threadsAtInit)
	task := forker.New(struct{}{}, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	defer task.Stop(ctx)
	report, err := task.Result(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "before the fork: %d threads or more; the library answers: %t\n", min(report.Before, 3), report.AnswersBefore)
	fmt.Fprintf(out, "in the copy: %d thread; %s\n", report.After, report.Copy)
	if err := task.Join(ctx); err != nil {
		return err
	}

	// And the other way: exec makes a new program of the copy at once, before
	// anything in it can miss a thread. The new program starts its own.
	again := library.New(struct{}{}, process.Config{})
	if err := again.Start(); err != nil {
		return err
	}
	defer again.Stop(ctx)
	answers, err := again.Result(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "in a process that was started with exec, the library answers: %t\n", answers)
	return again.Join(ctx)
}

type forkReport struct {
	Before, After int
	AnswersBefore bool
	Copy          string
}

// startLibrary is what many a library does when it is loaded: it starts a thread,
// and gives its work to it.
func startLibrary() (ask func() bool) {
	question, answer := make(chan bool), make(chan bool)
	go func() {
		runtime.LockOSThread()
		for range question {
			answer <- true
		}
	}()
	return func() bool {
		question <- true
		return <-answer
	}
}

var library = process.Func("library", func(context.Context, struct{}) (bool, error) { return startLibrary()(), nil })

var forker = process.Func("forker", func(ctx context.Context, _ struct{}) (forkReport, error) {
	ask := startLibrary()
	report := forkReport{AnswersBefore: ask(), Before: threads()}
	r, w, err := os.Pipe() // what the copy has to say comes through here
	if err != nil {
		return report, err
	}
	fd := int(w.Fd())
	pid, err := rawFork()
	if err != nil {
		return report, err
	}
	if pid == 0 {
		copyOfAProgram(fd, ask)
	}
	_ = w.Close()
	defer unix.Wait4(pid, nil, 0, nil)
	defer unix.Kill(pid, unix.SIGKILL)
	c, err := pipe.Files(r, nil)
	if err != nil {
		return report, err
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil { // a hang detector
		return report, err
	}
	first, err := c.ReceiveLine()
	if err != nil {
		return report, err
	}
	report.After = int(first[0] - '0')
	// It asks the library now, and nobody is there to answer. One second is as good
	// as a year.
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return report, err
	}
	switch _, err := c.ReceiveLine(); {
	case errors.Is(err, pipe.ErrTimeout):
		report.Copy = "the library does not answer; the copy was killed after 1 s"
	case err == io.EOF:
		report.Copy = "the copy has crashed"
	default:
		report.Copy = "the library answers" // it would be news
	}
	return report, ctx.Err()
})

// rawFork is fork(2) without what belongs to it. Never do this in a Go program: the
// copy has one thread, the one that has called, and none of those that the runtime
// and the libraries count on; and the locks that those have held stay locked.
func rawFork() (pid int, err error) {
	r, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return 0, os.NewSyscallError("clone", errno)
	}
	return int(r), nil
}

// copyOfAProgram is what the copy does: it counts its threads, and asks the library.
func copyOfAProgram(w int, ask func() bool) {
	// Plain system calls, which need no other thread, still work.
	var links unix.Stat_t
	_ = unix.Stat("/proc/self/task", &links) // a directory has a link for each one in it, and two
	say(w, string(rune('0'+int(links.Nlink)-2))+"\n")
	ask()
	say(w, "it answers\n")
	_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
}

func say(fd int, text string) { _, _ = unix.Write(fd, []byte(text)) }

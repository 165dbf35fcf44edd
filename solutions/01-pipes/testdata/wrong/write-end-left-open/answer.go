// Misconception: the pipe is the child's business now, so the parent need not close its
// writing end; or "I close it when all is done".
//
// Rejected by: end-of-input
package answer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Run runs the stages of a pipeline, all at the same time, each one's stdout
// connected to the next one's stdin. The first reads in, the last writes out.
//
// It returns when all have ended, with a status for each, in order: the exit
// code, or minus the number of the signal that has killed it.
func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	if started, err := startAll(in, out, stages); err != nil {
		killAll(stages[:started])
		waitAll(stages[:started])
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { killAll(stages) })
	statuses := waitAll(stages)
	if !stop() {
		return statuses, context.Cause(ctx)
	}
	return statuses, nil
}

// startAll returns how many stages it has started: all, unless there is an error.
func startAll(in, out *os.File, stages []*exec.Cmd) (started int, err error) {
	read := in // what the next stage reads
	for i, stage := range stages {
		var next *os.File
		write := out
		if i < len(stages)-1 {
			if next, write, err = os.Pipe(); err != nil {
				closeUnless(read, in)
				return i, err
			}
		}
		stage.Stdin, stage.Stdout = read, write
		err := stage.Start()
		closeUnless(read, in)
		if err != nil {
			if next != nil {
				next.Close()
			}
			return i, fmt.Errorf("stage %d: %w", i, err)
		}
		read = next
	}
	return len(stages), nil
}

// closeUnless closes f, unless it is the caller's.
func closeUnless(f, callers *os.File) {
	if f != callers {
		f.Close()
	}
}

// killAll does not ask: a stage may ignore every other signal. Killing one that
// has ended already is an error of no interest.
func killAll(stages []*exec.Cmd) {
	for _, stage := range stages {
		_ = stage.Process.Kill()
	}
}

func waitAll(stages []*exec.Cmd) []int {
	statuses := make([]int, len(stages))
	for i, stage := range stages {
		_ = stage.Wait() // its error is the status once more, in words
		statuses[i] = status(stage.ProcessState)
	}
	return statuses
}

// status is the exit code or, for a process that a signal has killed, minus the
// signal's number. ExitCode alone says -1 then, whichever it was.
func status(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return -int(w.Signal())
	}
	return s.ExitCode()
}

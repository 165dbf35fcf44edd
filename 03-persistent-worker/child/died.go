package child

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// A DiedError tells how a program has ended. Whether that is an error, for
// example with exit status 0 in the middle of a call, is for the caller to say.
type DiedError struct {
	Name       string         // from Options
	PID        int            // it may belong to a stranger by now
	ExitCode   int            // its exit status, or minus the number of the signal
	Signal     syscall.Signal // the signal that has killed it, or 0
	Task       string         // what it was doing, if the caller has said so
	StderrTail string         // the end of its stderr
	Rusage     Rusage
	OOM        bool // it was killed, and the kernel has killed for lack of memory meanwhile
}

// Rusage is what the program has used up, see getrusage(2).
type Rusage struct {
	User, System time.Duration // processor time
	MaxRSS       int64         // the most memory it had at any time, in bytes; 0 if not known
}

// Status says how it has ended: "exit status 1", "signal: killed".
func (e *DiedError) Status() string {
	switch {
	case e.Signal != 0 && e.OOM:
		return fmt.Sprintf("signal: %v (out of memory)", e.Signal)
	case e.Signal != 0:
		return fmt.Sprintf("signal: %v", e.Signal)
	}
	return fmt.Sprintf("exit status %d", e.ExitCode)
}

// Error gives the whole story: who, how, and its last words.
func (e *DiedError) Error() string {
	last := strings.TrimRight(e.StderrTail, "\n")
	if last == "" {
		last = "(it has written nothing to stderr)"
	}
	who := fmt.Sprintf("worker %q (pid %d)", e.Name, e.PID)
	if e.Task != "" {
		who = e.Task + ": " + who
	}
	return fmt.Sprintf("%s: %s: External Process Failed:\n\n%s", who, e.Status(), last)
}

func (c *Child) newDiedError() *DiedError {
	e := &DiedError{Name: c.name, PID: c.PID(), StderrTail: c.Stderr()}
	state := c.cmd.ProcessState
	if state == nil { // wait(2) has failed: somebody else has waited for it
		e.ExitCode = -1
		return e
	}
	e.ExitCode = state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		// Go's ExitCode says -1 for every signal.
		e.Signal = status.Signal()
		e.ExitCode = -int(e.Signal)
	}
	e.Rusage = Rusage{User: state.UserTime(), System: state.SystemTime(), MaxRSS: maxRSS(state.SysUsage())}
	e.OOM = e.Signal == syscall.SIGKILL && c.group.outOfMemory()
	return e
}

var _ error = (*DiedError)(nil)

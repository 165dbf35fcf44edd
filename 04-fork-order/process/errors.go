package process

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// ErrAborted: the process has ended because it was told to stop, by
// [Process.Stop], Terminate or Kill, or by SIGTERM from elsewhere. A function that
// takes notice of its context and returns an error then, or does not return in
// time, ends with this error and with the exit code [ExitAborted]; one that
// returns a value has returned it.
//
// It is also the cause of the context that the function gets. A function may return it,
// too: the backend of a [Service], for which one of its own messages means that.
var ErrAborted = errors.New("told to stop")

// The exit codes of a process, see [Process.ExitCode]. Any other positive one is
// from os.Exit, any other negative one is a signal.
const (
	ExitOK      = 0
	ExitError   = 1                     // the function has returned an error
	ExitPanic   = 2                     // it has panicked, as everywhere in Go
	ExitRefused = 64                    // the new process would not do it, see Start; EX_USAGE in sysexits(3)
	ExitAborted = -int(syscall.SIGTERM) // -15: it was told to stop, and did
)

// died says how a process ended that has not told what became of its function.
// [child.DiedError] has the details.
type died struct {
	why string
	*child.DiedError
}

func (e *died) Error() string {
	text := fmt.Sprintf("%s: %s", e.why, e.Status())
	if tail := strings.TrimRight(e.StderrTail, "\n"); tail != "" {
		text += "; its last words on stderr:\n\n" + tail
	}
	return text
}

func (e *died) Unwrap() error { return e.DiedError }

func newDied(d *child.DiedError) error {
	if d.Signal != 0 {
		return &died{"died", d}
	}
	return &died{"ended before its function returned", d} // os.Exit, or a panic elsewhere in it
}

// aborted is [ErrAborted] with what the function had to say to it.
type aborted struct{ error }

func (a aborted) Error() string        { return ErrAborted.Error() + ": " + a.error.Error() }
func (a aborted) Unwrap() error        { return a.error }
func (a aborted) Is(target error) bool { return target == ErrAborted }

func (f failure) err() error {
	if f.Aborted {
		return aborted{errors.New(f.Message)}
	}
	return &worker.RemoteError{Message: f.Message, Trace: f.Trace}
}

// asFailure is the way back, for an error that conclude has made.
func asFailure(err error) failure {
	switch e := err.(type) {
	case *worker.RemoteError:
		return failure{Message: e.Message, Trace: e.Trace}
	case aborted:
		return failure{Message: e.error.Error(), Aborted: true}
	}
	return failure{Message: err.Error()}
}
